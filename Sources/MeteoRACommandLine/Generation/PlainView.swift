import MeteoRA
import MeteoRALlama
import MeteoRAReports
import MeteoRASafetensors

/// Streams the new text. Of several prompts the first streams and the others follow, each under a
/// line with its name, so that texts do not mix. On a terminal control characters are made visible;
/// a file or another program gets every byte as the model wrote it.
struct PlainView: GenerationView {
  private struct Sequence {
    var header: String
    var text: AnswerText
    /// Not shown yet.
    var pending = ""
    var endsWithLineFeed = true
    var isFinished = false

    mutating func append(_ piece: (inout AnswerText) -> String) {
      let piece = piece(&text)
      pending += piece
      if let last = piece.utf8.last { endsWithLineFeed = last == UInt8(ascii: "\n") }
    }

    /// Ends the text, and its last line.
    mutating func finish() {
      if isFinished { return }
      isFinished = true
      append { $0.finish() }
      if !endsWithLineFeed { pending += "\n" }
    }
  }

  private let console: Console
  private var sequences: [Sequence]
  /// The one that streams; those before are complete.
  private var current = 0

  init(prompts: [NamedPrompt], answers: AnswerTexts, console: Console) {
    self.console = console
    sequences = prompts.map { prompt in
      Sequence(
        header: prompt.name.map { "== \(printable($0)) ==\n" } ?? "",
        text: answers.text(after: prompt.tokens))
    }
    for index in sequences.indices { sequences[index].pending = sequences[index].header }
  }

  mutating func show(
    _ tokens: [GeneratedToken], of generation: MeteoRAGeneration
  ) throws(OutputFailure) {
    for token in tokens {
      sequences[token.sequence].append { $0.append(token.id) }
      if token.finishReason != nil { sequences[token.sequence].finish() }
    }
    try flush()
  }

  mutating func finish(_ generation: MeteoRAGeneration) throws(OutputFailure) {
    for index in sequences.indices { sequences[index].finish() }
    try flush()
  }

  private mutating func flush() throws(OutputFailure) {
    while current < sequences.count {
      let text = sequences[current].pending
      if !text.isEmpty {
        try console.print(console.output.isTerminal ? terminalText(text) : text)
      }
      sequences[current].pending = ""
      if !sequences[current].isFinished { return }
      current += 1
    }
  }
}
