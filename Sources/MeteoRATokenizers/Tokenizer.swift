import MeteoRASafetensors

/// Text to token ids and back, as the files of a model say.
///
/// Of a `tokenizer.json`, the ids are those of the PyPI package `tokenizers`. A file that asks for
/// anything that is not supported is refused by name when it is opened; nothing in it is ignored. A
/// tokenizer never changes, and may be used from any number of threads.
public final class Tokenizer: Sendable {
  let backend: any TokenizerBackend

  /// The number of distinct tokens, added ones among them.
  ///
  /// Ids can have gaps: a table with a row for every id needs ``idBound`` rows.
  public var vocabularySize: Int { backend.vocabularySize }
  /// One more than the largest id.
  public let idBound: Int
  /// The id of the token that begins a text (BOS); `nil` if the files name none.
  public var beginID: Int? { backend.beginID }
  /// The id of the token that ends a text (EOS); `nil` if the files name none.
  public var endID: Int? { backend.endID }

  init(_ backend: any TokenizerBackend) {
    self.backend = backend
    idBound = backend.idBound
  }

  // MARK: Vocabulary

  /// The id of a token in the file's own spelling, such as `<|eot_id|>` or `Ġthe`; compared byte by
  /// byte.
  public func id(of token: String) -> Int? {
    backend.id(of: Array(token.utf8))
  }

  /// The token of an id in the file's own spelling; `nil` if there is none.
  public func token(of id: Int) -> String? {
    backend.token(of: id).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Whether an id is an added token marked special, which decoding can leave out.
  public func isSpecial(_ id: Int) -> Bool { backend.isSpecial(id) }

  // MARK: Encoding

  /// The ids of a text.
  ///
  /// - Parameters:
  ///   - text: Any text. Added tokens are recognised wherever they stand in it, special ones too.
  ///   - addSpecialTokens: Whether the post-processor's special tokens come too, such as BOS at the
  ///     beginning.
  /// - Complexity: O(n log n) in the length of the longest piece, O(n) in the number of pieces.
  public func encode(_ text: String, addSpecialTokens: Bool = true) -> [Int] {
    var text = text
    return text.withUTF8 { backend.encode(validUTF8: $0, addSpecialTokens: addSpecialTokens) }
  }

  /// The ids of a text in UTF-8.
  ///
  /// - Throws: ``TokenizerError/invalidUTF8(offset:)`` if the bytes are not UTF-8.
  public func encode(
    utf8: [UInt8], addSpecialTokens: Bool = true
  ) throws(TokenizerError) -> [Int] {
    if let offset = utf8.withUnsafeBufferPointer({ UTF8Text.firstBreak(in: $0) }) {
      throw .invalidUTF8(offset: offset)
    }
    return utf8.withUnsafeBufferPointer {
      backend.encode(validUTF8: $0, addSpecialTokens: addSpecialTokens)
    }
  }

  // MARK: Decoding

  /// The text of some ids.
  ///
  /// - Parameters:
  ///   - ids: Ids in any order; those that name no token are left out, as the library does. To have
  ///     them refused use ``decode(checking:skipSpecialTokens:)``.
  ///   - skipSpecialTokens: Whether added tokens marked special are left out.
  /// - Returns: The text; bytes that make no character come as U+FFFD.
  public func decode(_ ids: [Int], skipSpecialTokens: Bool) -> String {
    var decoder = backend.makeDecoder(skipSpecialTokens: skipSpecialTokens)
    var text: [UInt8] = []
    for id in ids { decoder.append(id, to: &text) }
    decoder.finish(to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// The text of some ids, each of which must name a token.
  ///
  /// - Throws: ``TokenizerError/unknownID(_:position:)`` for the first that does not.
  public func decode(
    checking ids: [Int], skipSpecialTokens: Bool
  ) throws(TokenizerError) -> String {
    for (position, id) in ids.enumerated() where backend.token(of: id) == nil {
      throw .unknownID(id, position: position)
    }
    return decode(ids, skipSpecialTokens: skipSpecialTokens)
  }

  /// A decoder that takes ids one at a time.
  public func makeStreamDecoder(skipSpecialTokens: Bool) -> StreamDecoder {
    StreamDecoder(backend: backend, skipsSpecialTokens: skipSpecialTokens)
  }
}
