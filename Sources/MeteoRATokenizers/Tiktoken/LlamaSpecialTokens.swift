/// The special tokens of Llama 3, which its tiktoken file does not name.
///
/// They follow the last rank: twelve with a meaning, two reserved ones among them, then reserved
/// ones up to 256 in all.
///
/// - SeeAlso: the package `llama-models`, 0.3.0.
enum LlamaSpecialTokens {
  static let begin = "<|begin_of_text|>"
  static let end = "<|end_of_text|>"

  /// The names in the order of their ids.
  static let all: [String] =
    [
      begin, end, reserved(0), reserved(1), "<|finetune_right_pad_id|>", "<|step_id|>",
      "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>", "<|python_tag|>",
      "<|image|>",
    ] + (2...245).map(reserved)

  private static func reserved(_ number: Int) -> String { "<|reserved_special_token_\(number)|>" }
}
