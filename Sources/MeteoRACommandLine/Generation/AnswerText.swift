import MeteoRA
import MeteoRATokenizers

/// How the answers to all prompts become text.
struct AnswerTexts {
  /// `nil` for a model without one.
  let tokenizer: Tokenizer?
  /// `nil` if nothing but the model and the limits ends an answer.
  let stopStrings: StopStrings?

  /// The beginning of the answer to a prompt.
  func text(after prompt: [Int]) -> AnswerText { AnswerText(continuedText(after: prompt)) }

  /// The whole text of an answer; `nil` without a tokenizer.
  func text(of ids: [Int], after prompt: [Int]) -> String? {
    guard var text = continuedText(after: prompt) else { return nil }
    return ids.map { text.append($0) }.joined() + text.finish()
  }

  private func continuedText(after prompt: [Int]) -> ContinuedText? {
    if let stopStrings { return ContinuedText(after: prompt, stopStrings: stopStrings) }
    return tokenizer.map { ContinuedText(after: prompt, tokenizer: $0) }
  }
}

/// What is shown of an answer as it comes: its text, or without a tokenizer the ids themselves with
/// commas between them.
struct AnswerText {
  private var text: ContinuedText?
  private var isFirst = true

  init(_ text: ContinuedText?) {
    self.text = text
  }

  /// The text that is certain with one more id; may be empty.
  mutating func append(_ id: Int) -> String {
    guard text != nil else {
      defer { isFirst = false }
      return isFirst ? "\(id)" : ",\(id)"
    }
    return text?.append(id) ?? ""
  }

  /// What was held back.
  mutating func finish() -> String { text?.finish() ?? "" }
}
