/// The added tokens of a tokenizer, by text, by id and in a text.
struct AddedVocabulary: Sendable {
  private let tokens: [AddedToken]
  private let indicesByID: [UInt32: Int]
  private let indicesByContent: [[UInt8]: Int]
  private let specialIDs: Set<Int>
  /// Those that are found in the text as it is.
  private let rawMatcher: AddedTokenMatcher
  /// Those that are found in what the normalizer makes of the rest.
  private let normalizedMatcher: AddedTokenMatcher

  /// - Parameter tokens: Tokens with distinct ids and contents.
  init(_ tokens: [AddedToken]) {
    self.tokens = tokens
    var byID: [UInt32: Int] = [:]
    var byContent: [[UInt8]: Int] = [:]
    for (index, token) in tokens.enumerated() {
      byID[token.id] = index
      byContent[token.content] = index
    }
    // The library enters special tokens first; that decides between equal normalized contents.
    let ordered = tokens.filter(\.isSpecial) + tokens.filter { !$0.isSpecial }
    indicesByID = byID
    indicesByContent = byContent
    specialIDs = Set(tokens.filter(\.isSpecial).map { Int($0.id) })
    rawMatcher = AddedTokenMatcher(ordered.filter { !$0.isNormalized })
    normalizedMatcher = AddedTokenMatcher(ordered.filter(\.isNormalized))
  }

  /// One more than the largest id.
  var idBound: Int { (tokens.map { Int($0.id) }.max() ?? -1) + 1 }

  func isSpecial(_ id: Int) -> Bool { specialIDs.contains(id) }

  func id(of content: [UInt8]) -> UInt32? { indicesByContent[content].map { tokens[$0].id } }

  func token(of id: Int) -> ArraySlice<UInt8>? {
    UInt32(exactly: id).flatMap { indicesByID[$0] }.map { tokens[$0].content[...] }
  }

  /// Finds the added tokens of a text and hands on what is between them, normalized.
  ///
  /// - Parameter onText: Takes a segment, and whether it begins where the text begins.
  func split(
    _ text: UnsafeBufferPointer<UInt8>, normalizer: (any Normalizer)?,
    onToken: (UInt32) -> Void, onText: (UnsafeBufferPointer<UInt8>, Bool) -> Void
  ) {
    for segment in rawMatcher.segments(of: text) {
      switch segment {
      case .token(let id):
        onToken(id)
      case .text(let range):
        let raw = UnsafeBufferPointer(rebasing: text[range])
        guard let normalizer else {
          splitNormalized(
            raw, beginsText: range.lowerBound == 0, onToken: onToken, onText: onText)
          continue
        }
        normalizer.normalize(Array(raw)).withUnsafeBufferPointer {
          splitNormalized(
            $0, beginsText: range.lowerBound == 0, onToken: onToken, onText: onText)
        }
      }
    }
  }

  private func splitNormalized(
    _ text: UnsafeBufferPointer<UInt8>, beginsText: Bool,
    onToken: (UInt32) -> Void, onText: (UnsafeBufferPointer<UInt8>, Bool) -> Void
  ) {
    for segment in normalizedMatcher.segments(of: text) {
      switch segment {
      case .token(let id): onToken(id)
      case .text(let range):
        onText(
          UnsafeBufferPointer(rebasing: text[range]), beginsText && range.lowerBound == 0)
      }
    }
  }
}
