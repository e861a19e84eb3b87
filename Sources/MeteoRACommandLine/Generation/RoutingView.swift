import MeteoRA
import MeteoRALlama
import MeteoRAReports
import MeteoRATokenizers

/// Prompt and new text with the dominant adapter of every token, special tokens included.
///
/// A token's routing is known once it was run, one step after it was chosen: the text lags by a
/// token.
struct RoutingView: GenerationView {
  private var decoder: StreamDecoder?
  private var text: RoutedText
  private let console: Console
  /// Tokens that are not shown yet.
  private var waiting: ArraySlice<Int>
  private var shown = 0

  init(
    prompt: NamedPrompt, adapterNames: [String], tokenizer: Tokenizer?, style: TerminalStyle,
    console: Console
  ) {
    decoder = tokenizer?.makeStreamDecoder(skipSpecialTokens: false)
    text = RoutedText(adapterNames: adapterNames, style: style)
    waiting = prompt.tokens[...]
    self.console = console
  }

  mutating func show(
    _ tokens: [GeneratedToken], of generation: MeteoRAGeneration
  ) throws(OutputFailure) {
    waiting += tokens.map(\.id)
    try showKnown(generation.routing(of: 0))
  }

  mutating func finish(_ generation: MeteoRAGeneration) throws(OutputFailure) {
    try showKnown(generation.routing(of: 0))
    // Left over if the user stopped before the last token was run.
    for id in waiting { try console.print(text.append(piece(id), routing: nil)) }
    waiting = []
    let rest = decoder?.finish() ?? ""
    try console.print(text.append(rest, routing: nil) + "\n\n" + text.legend + "\n")
  }

  private mutating func showKnown(_ routing: [TokenRouting]) throws(OutputFailure) {
    var marked = ""
    while shown < routing.count, let id = waiting.popFirst() {
      marked += text.append(piece(id), routing: routing[shown])
      shown += 1
    }
    if !marked.isEmpty { try console.print(marked) }
  }

  private mutating func piece(_ id: Int) -> String {
    guard decoder != nil else { return "\(id) " }
    return decoder?.append(id) ?? ""
  }
}
