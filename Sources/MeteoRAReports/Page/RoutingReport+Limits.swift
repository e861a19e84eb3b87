import MeteoRA
import MeteoRASafetensors

/// A reason why a report cannot be a page.
public enum RoutingReportError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A page numbers its adapters with ten bits.
  case tooManyAdapters(count: Int, limit: Int)
  /// The choices of all tokens, modules and ranks would make a page that no browser opens with ease.
  case tooManyChoices(count: Int, limit: Int)
  /// The page cannot be written.
  case file(FileAccessError)

  public var description: String {
    switch self {
    case .tooManyAdapters(let count, let limit):
      "the model has \(count) adapters, a page can show \(limit)"
    case .tooManyChoices(let count, let limit):
      "the page would hold \(count) choices of adapters (tokens × modules × top-k), a page can hold "
        + "\(limit), which take 64 MiB"
    case .file(let error): "\(error)"
    }
  }
}

extension RoutingReport {
  /// Adapters of a page, at most.
  public static let maximumAdapters = 1 << ChoiceCode.adapterBits
  /// Choices of a page, at most: four characters each, so 64 MiB.
  public static let maximumChoices = 1 << 24

  /// Throws if a page would be too large, before anything is run for it.
  ///
  /// - Parameters:
  ///   - tokens: Of all prompts and answers.
  ///   - modules: Linear modules that route.
  ///   - topK: Adapters that a token takes in each of them.
  ///   - adapters: Of the model.
  /// - Throws: ``RoutingReportError/tooManyAdapters(count:limit:)``,
  ///   ``RoutingReportError/tooManyChoices(count:limit:)``.
  public static func requireRoom(
    tokens: Int, modules: Int, topK: Int, adapters: Int
  ) throws(RoutingReportError) {
    guard adapters <= maximumAdapters else {
      throw .tooManyAdapters(count: adapters, limit: maximumAdapters)
    }
    let (perToken, isWide) = modules.multipliedReportingOverflow(by: topK)
    let (count, isLong) = perToken.multipliedReportingOverflow(by: tokens)
    guard !isWide, !isLong, count <= maximumChoices else {
      throw .tooManyChoices(count: isWide || isLong ? Int.max : count, limit: maximumChoices)
    }
  }

  /// Throws unless the report fits a page.
  func requireRoom() throws(RoutingReportError) {
    let count = sequences.reduce(0) { sum, sequence in
      sequence.modules.reduce(sum) { $0 + $1.adapters.count }
    }
    try Self.requireRoom(tokens: count, modules: 1, topK: 1, adapters: adapterNames.count)
  }
}
