import MeteoRA
import MeteoRALlama
import MeteoRASafetensors

/// One line of JSON a prompt, in the order of the prompts, as soon as it and those before are
/// complete.
struct JSONView: GenerationView {
  private let prompts: [NamedPrompt]
  private let answers: AnswerTexts
  private let console: Console
  private var finished: Set<Int> = []
  private var printed = 0

  init(prompts: [NamedPrompt], answers: AnswerTexts, console: Console) {
    self.prompts = prompts
    self.answers = answers
    self.console = console
  }

  mutating func show(
    _ tokens: [GeneratedToken], of generation: MeteoRAGeneration
  ) throws(OutputFailure) {
    for token in tokens where token.finishReason != nil { finished.insert(token.sequence) }
    while finished.contains(printed) {
      try print(printed, of: generation)
      printed += 1
    }
  }

  mutating func finish(_ generation: MeteoRAGeneration) throws(OutputFailure) {
    for index in printed..<prompts.count { try print(index, of: generation) }
    printed = prompts.count
  }

  /// Only prompts that have ended: any reason to finish would be wrong for the others.
  mutating func fail(_ generation: MeteoRAGeneration) throws(OutputFailure) {
    for index in printed..<prompts.count where finished.contains(index) {
      try print(index, of: generation)
    }
    printed = prompts.count
  }

  private func print(_ index: Int, of generation: MeteoRAGeneration) throws(OutputFailure) {
    guard let result = generation.result(of: index) else { return }
    let prompt = prompts[index]
    let text = answers.text(of: result.newTokens, after: prompt.tokens)
    var members: [(key: String, value: JSONOutput)] = []
    if let name = prompt.name { members.append(("name", .string(name))) }
    members += [
      ("prompt_ids", .array(prompt.tokens.map { .integer($0) })),
      ("new_ids", .array(result.newTokens.map { .integer($0) })),
      ("text", text.map { .string($0) } ?? .null),
      ("finish_reason", .string(result.finishReason.rawValue)),
    ]
    try console.printLine(JSONOutput.object(members).line)
  }
}
