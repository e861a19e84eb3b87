import Foundation
import MeteoRA
import MeteoRASafetensors

/// A reason why a report cannot be a page.
public enum RoutingReportError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A page numbers its adapters with ten bits.
  case tooManyAdapters(count: Int, limit: Int)
  /// Every token is an element that a browser has to lay out.
  case tooManyTokens(count: Int, limit: Int)
  /// The page of so many tokens would have about so many bytes, more than a browser opens with
  /// ease.
  case tooLarge(tokens: Int, byteCount: Int, limit: Int)
  /// The page cannot be written.
  case file(FileAccessError)

  public var description: String {
    switch self {
    case .tooManyAdapters(let count, let limit):
      "the model has \(count) adapters, a page can show \(limit)"
    case .tooManyTokens(let count, let limit):
      "the page would show \(count) tokens, a page can show \(limit)"
    case .tooLarge(let tokens, let byteCount, let limit):
      "the page of \(tokens) token\(tokens == 1 ? "" : "s") would take about \(byteCount) bytes, a "
        + "page can take \(limit)"
    case .file(let error): "\(error)"
    }
  }
}

extension RoutingReport {
  /// Adapters of a page, at most.
  package static let maximumAdapters = 1 << ChoiceCode.adapterBits
  /// Tokens of a page, at most. Chromium opens so many in about 5 seconds.
  package static let maximumTokens = 1 << 18
  /// Bytes of a page, about and at most: 64 MiB.
  package static let maximumByteCount = 1 << 26

  /// Throws if a page would be too large, before anything is run for it.
  ///
  /// - Parameters:
  ///   - sequences: Sections of the page.
  ///   - tokens: Of all prompts and answers.
  ///   - scope: What the gates choose for a token.
  /// - Throws: ``RoutingReportError``.
  package func requireRoom(
    sequences: Int, tokens: Int, in scope: RoutingScope
  ) throws(RoutingReportError) {
    try requireRoom(PageExtent(sequences: sequences, tokens: tokens, in: scope))
  }

  /// Throws unless the report fits a page.
  func requireRoom() throws(RoutingReportError) {
    try requireRoom(PageExtent(of: self))
  }

  private func requireRoom(_ extent: PageExtent) throws(RoutingReportError) {
    guard adapterNames.count <= Self.maximumAdapters else {
      throw .tooManyAdapters(count: adapterNames.count, limit: Self.maximumAdapters)
    }
    guard extent.tokens <= Self.maximumTokens else {
      throw .tooManyTokens(count: extent.tokens, limit: Self.maximumTokens)
    }
    let byteCount = extent.estimatedByteCount(names: adapterNames)
    guard byteCount <= Self.maximumByteCount else {
      throw .tooLarge(
        tokens: extent.tokens, byteCount: byteCount, limit: Self.maximumByteCount)
    }
  }
}

extension RoutingReportError: LocalizedError {
  /// The ``description``, for `localizedDescription`.
  public var errorDescription: String? { description }
}
