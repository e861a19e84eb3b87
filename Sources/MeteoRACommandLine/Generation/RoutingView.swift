import MeteoRA
import MeteoRALlama
import MeteoRAReports
import MeteoRATokenizers

/// Prompt and new text with the dominant adapter of every token, special tokens included.
///
/// A token's routing is known once it was run, one step after it was chosen: the text lags by a
/// token. With stop strings it lags until the token's text is certain, too.
struct RoutingView: GenerationView {
  /// A token that is not shown yet.
  private struct Marked {
    var text: String
    var routing: TokenRouting?
    /// Bytes that it adds to the text in which stop strings are looked for.
    var watchedByteCount = 0
  }

  private var decoder: StreamDecoder?
  private var text: RoutedText
  private let console: Console
  /// The answer up to a stop string; `nil` if there are none.
  private var watched: ContinuedText?
  /// Tokens that were not run yet, so many of them of the prompt.
  private var waiting: ArraySlice<Int>
  private var promptCount: Int
  private var runCount = 0
  /// Tokens whose text may be part of a stop string.
  private var held: ArraySlice<Marked> = []
  /// Bytes of them that are certain to be none.
  private var certainByteCount = 0

  init(
    prompt: NamedPrompt, adapterNames: [String], answers: AnswerTexts, style: TerminalStyle,
    console: Console
  ) {
    decoder = answers.tokenizer?.makeStreamDecoder(skipSpecialTokens: false)
    text = RoutedText(adapterNames: adapterNames, style: style)
    watched = answers.stopStrings.map { ContinuedText(after: prompt.tokens, stopStrings: $0) }
    waiting = prompt.tokens[...]
    promptCount = prompt.tokens.count
    self.console = console
  }

  mutating func show(
    _ tokens: [GeneratedToken], of generation: MeteoRAGeneration
  ) throws(OutputFailure) {
    waiting += tokens.map(\.id)
    takeKnown(generation.routing(of: 0, from: runCount))
    try showCertain()
  }

  mutating func finish(_ generation: MeteoRAGeneration) throws(OutputFailure) {
    takeKnown(generation.routing(of: 0, from: runCount))
    // Left over if the user stopped before the last token was run.
    while let id = waiting.popFirst() { take(id, routing: nil) }
    certainByteCount += watched?.finish().utf8.count ?? 0
    if watched?.isStopped != true {
      held.append(Marked(text: decoder?.finish() ?? "", routing: nil))
    }
    try showCertain()
    try console.print("\n\n" + text.legend + "\n")
  }

  private mutating func takeKnown(_ routing: [TokenRouting]) {
    for routing in routing {
      guard let id = waiting.popFirst() else { return }
      take(id, routing: routing)
    }
  }

  private mutating func take(_ id: Int, routing: TokenRouting?) {
    defer { runCount += 1 }
    var marked = Marked(text: piece(id), routing: routing)
    if runCount >= promptCount, let heldBefore = watched?.heldByteCount {
      if watched?.isStopped == true { return }
      let certain = watched?.append(id).utf8.count ?? 0
      certainByteCount += certain
      marked.watchedByteCount = certain + (watched?.heldByteCount ?? 0) - heldBefore
      // The stop string, which is gone, ends in this token.
      if watched?.isStopped == true { marked.watchedByteCount = .max }
    }
    held.append(marked)
  }

  private mutating func showCertain() throws(OutputFailure) {
    var shown = ""
    while let marked = held.first, marked.watchedByteCount <= certainByteCount {
      held.removeFirst()
      certainByteCount -= marked.watchedByteCount
      shown += text.append(marked.text, routing: marked.routing)
    }
    if watched?.isStopped == true, let marked = held.popFirst(), certainByteCount > 0 {
      let beginning = String(decoding: marked.text.utf8.prefix(certainByteCount), as: UTF8.self)
      shown += text.append(beginning, routing: marked.routing)
    }
    if watched?.isStopped == true { (held, certainByteCount) = ([], 0) }
    if !shown.isEmpty { try console.print(shown) }
  }

  private mutating func piece(_ id: Int) -> String {
    guard decoder != nil else { return "\(id) " }
    return decoder?.append(id) ?? ""
  }
}
