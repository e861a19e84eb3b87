/// A step that completes the ids of a whole text.
protocol PostProcessor: Sendable {
  func process(_ ids: [Int], addingSpecialTokens: Bool) -> [Int]
}

/// `TemplateProcessing` for one text: special tokens around the ids, such as BOS before them.
///
/// The special tokens come whatever the text is: empty, or beginning with BOS already.
struct TemplatePostProcessor: PostProcessor {
  enum Part: Equatable, Sendable {
    /// The ids of the text, also without special tokens.
    case text
    /// The ids of a special token.
    case special([Int])
  }

  let parts: [Part]

  func process(_ ids: [Int], addingSpecialTokens: Bool) -> [Int] {
    if !addingSpecialTokens && parts == [.text] { return ids }
    var processed: [Int] = []
    processed.reserveCapacity(ids.count + parts.count)
    for part in parts {
      switch part {
      case .text: processed += ids
      case .special(let special): processed += addingSpecialTokens ? special : []
      }
    }
    return processed
  }
}
