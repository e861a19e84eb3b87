/// What is behind a ``Tokenizer``: one family of tokenizer files.
///
/// Tokens and texts are UTF-8, so that nothing compares them as Swift's `String` does.
protocol TokenizerBackend: Sendable {
  /// The number of distinct tokens.
  var vocabularySize: Int { get }
  /// One more than the largest id.
  var idBound: Int { get }
  /// The token that begins a text; `nil` if the files name none.
  var beginID: Int? { get }
  /// The token that ends a text; `nil` if the files name none.
  var endID: Int? { get }

  /// The id of a token in the file's own spelling.
  func id(of token: [UInt8]) -> Int?
  /// The token of an id in the file's own spelling; `nil` if there is none.
  func token(of id: Int) -> ArraySlice<UInt8>?
  /// Whether decoding leaves the id out when special tokens are not wanted.
  func isSpecial(_ id: Int) -> Bool

  /// The ids of a text, which is valid UTF-8.
  func encode(validUTF8 text: UnsafeBufferPointer<UInt8>, addSpecialTokens: Bool) -> [Int]
  /// The beginning of a text to be decoded.
  func makeDecoder(skipSpecialTokens: Bool) -> any TokenizerBackendDecoder
}

/// One decoding under way: takes ids one by one and gives text as soon as no later id can change
/// it.
///
/// All that it gives, joined, is the text of the ids; decoding all at once is the same with nothing
/// read in between.
protocol TokenizerBackendDecoder: Sendable {
  /// Takes the next id and appends what text is certain by now, as whole characters of UTF-8. An
  /// unknown id adds nothing.
  mutating func append(_ id: Int, to text: inout [UInt8])
  /// Appends what was held back. Nothing is appended after it.
  mutating func finish(to text: inout [UInt8])
}
