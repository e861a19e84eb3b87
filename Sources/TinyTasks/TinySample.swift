import MeteoRAEvaluation
import MeteoRASafetensors

/// The ways to write items down: one by itself, or several as a list.
///
///     Reverse: abc⏎⏎            1. Reverse: abc⏎2. Uppercase: dog⏎⏎
///     cba                       1. cba⏎2. DOG⏎
///
/// A key stands in the place of the last line feed of the prompt.
enum TinySample {
  /// What ends a prompt without a key: an empty line.
  static let emptyLine = "\n"
  /// The numbers of items that a list has.
  static let listLengths = Array(2...mostItems)
  static let mostItems = 5

  /// One item as a line of a file, with the line feed at its end.
  static func single(_ item: TinyItem, ending: String = emptyLine) -> [UInt8] {
    line(prompt: "\(item.request)\n\(ending)", response: item.answer)
  }

  /// Several items as a line of a file whose task says to whom they belong.
  static func list(
    _ items: [TinyItem], ending: String = emptyLine
  ) throws(CompositeError) -> [UInt8] {
    let sample = try composite(items, ending: ending)
    return line(prompt: sample.prompt, response: sample.response)
  }

  /// Several items as a line of a file, with the spans that say to whom each belongs.
  static func mixed(_ items: [TinyItem]) throws(CompositeError) -> [UInt8] {
    try composite(items, ending: emptyLine).line + Array("\n".utf8)
  }

  private static func composite(
    _ items: [TinyItem], ending: String
  ) throws(CompositeError) -> CompositeSample {
    let items = items.map {
      CompositeSample.Item(task: $0.task.name, prompt: $0.request, response: $0.answer)
    }
    return try CompositeSample(numbering: items, ending: ending)
  }

  private static func line(prompt: String, response: String) -> [UInt8] {
    let sample = JSONOutput.object([
      ("prompt", .string(prompt)), ("response", .string(response)),
    ])
    return sample.line + Array("\n".utf8)
  }
}
