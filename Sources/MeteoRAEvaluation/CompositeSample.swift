import MeteoRASafetensors

/// A sample of several requests, each for another task, with the parts that belong to each.
///
/// In the layout `numbered`, requests and answers are lines with the numbers 1, 2, …:
///
///     prompt    1. Uppercase: dog⏎2. Reverse: abc⏎        and an ending, if there is one
///     response  1. DOG⏎2. cba⏎
///
/// A span covers the line of a request or an answer from behind its number up to and with its line
/// feed. Numbers and ending belong to no task.
public struct CompositeSample: Sendable {
  /// A sample of one task.
  public struct Item: Sendable {
    /// The name of the task.
    public var task: String
    /// The request.
    public var prompt: String
    /// Its answer.
    public var response: String

    /// A sample of one task.
    public init(task: String, prompt: String, response: String) {
      self.task = task
      self.prompt = prompt
      self.response = response
    }
  }

  /// A part that belongs to a task.
  public struct Span: Sendable {
    /// The name of the task.
    public var task: String
    /// UTF-8 bytes of prompt + response, at least one.
    public var bytes: Range<Int>
  }

  /// All requests.
  public let prompt: String
  /// All answers.
  public let response: String
  /// Ascending and apart from each other: those of the requests, then those of the answers.
  public let spans: [Span]

  /// Puts samples below each other, in the layout `numbered`.
  ///
  /// White space of ASCII at both ends of a request or an answer is left out.
  ///
  /// - Parameters:
  ///   - items: In the order of their numbers, at least one.
  ///   - ending: What follows the last request in the prompt, such as an empty line.
  /// - Throws: ``CompositeError``: there is no item, or one does not fit into a line.
  public init(numbering items: [Item], ending: String = "") throws(CompositeError) {
    guard !items.isEmpty else { throw .noItems }
    var text = ""
    var spans: [Span] = []
    try Self.append(items, \.prompt, "prompt", to: &text, &spans)
    text += ending
    let promptEnd = text.utf8.endIndex
    try Self.append(items, \.response, "response", to: &text, &spans)
    prompt = String(text[..<promptEnd])
    response = String(text[promptEnd...])
    self.spans = spans
  }

  /// Appends a line for every item.
  private static func append(
    _ items: [Item], _ part: KeyPath<Item, String>, _ name: String, to text: inout String,
    _ spans: inout [Span]
  ) throws(CompositeError) {
    for (index, item) in items.enumerated() {
      let line = item[keyPath: part].withoutOuterSpace
      guard !line.utf8.contains(UInt8(ascii: "\n")) else {
        throw .severalLines(number: index + 1, task: item.task, part: name)
      }
      text += "\(index + 1). "
      let start = text.utf8.count
      text += line
      text += "\n"
      spans.append(Span(task: item.task, bytes: start..<text.utf8.count))
    }
  }

  /// The sample as a line of a task's file, without what ends it:
  /// `{"prompt":"…","response":"…","spans":[{"task":"…","start":3,"end":18},…]}`.
  public var line: [UInt8] {
    let spans = spans.map { span in
      JSONOutput.object([
        ("task", .string(span.task)), ("start", .integer(span.bytes.lowerBound)),
        ("end", .integer(span.bytes.upperBound)),
      ])
    }
    return JSONOutput.object([
      ("prompt", .string(prompt)), ("response", .string(response)), ("spans", .array(spans)),
    ]).line
  }
}
