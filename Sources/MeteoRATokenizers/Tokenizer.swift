import MeteoRASafetensors

/// Text to token ids and back, as a `tokenizer.json` says.
///
/// The ids are those of the PyPI package `tokenizers`. A text goes through
///
///     added tokens ─▶ normalizer ─▶ pre-tokenizer ─▶ model ─▶ post-processor ─▶ ids
///
/// and ids come back through the decoder. A file that asks for anything that is not supported is
/// refused by name when it is opened; nothing in it is ignored. A tokenizer never changes, and may
/// be used from any number of threads.
public final class Tokenizer: Sendable {
  let addedTokens: AddedVocabulary
  let normalizer: (any Normalizer)?
  let preTokenizers: [any PreTokenizer]
  let model: BytePairModel
  let postProcessors: [any PostProcessor]
  let decoder: any TokenDecoder

  /// The number of distinct tokens, added ones among them.
  ///
  /// Ids can have gaps: a table with a row for every id needs ``idBound`` rows.
  public let vocabularySize: Int
  /// One more than the largest id.
  public let idBound: Int

  init(parts: TokenizerParts) {
    addedTokens = parts.addedTokens
    normalizer = parts.normalizer
    preTokenizers = parts.preTokenizers
    model = parts.model
    postProcessors = parts.postProcessors
    decoder = parts.decoder
    vocabularySize = parts.vocabularySize
    idBound = max(model.vocabulary.idBound, addedTokens.idBound)
  }

  // MARK: Vocabulary

  /// The id of a token in the file's own spelling, such as `<|eot_id|>` or `Ġthe`; compared byte by
  /// byte.
  public func id(of token: String) -> Int? {
    let utf8 = Array(token.utf8)
    return (addedTokens.id(of: utf8) ?? model.vocabulary.id(of: utf8)).map { Int($0) }
  }

  /// The token of an id in the file's own spelling; `nil` if there is none.
  public func token(of id: Int) -> String? {
    utf8(of: id).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Whether an id is an added token marked special, which decoding can leave out.
  public func isSpecial(_ id: Int) -> Bool { addedTokens.isSpecial(id) }

  func utf8(of id: Int) -> ArraySlice<UInt8>? {
    model.vocabulary.token(of: id) ?? addedTokens.token(of: id)
  }

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
    return text.withUTF8 { encode(validUTF8: $0, addSpecialTokens: addSpecialTokens) }
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
      encode(validUTF8: $0, addSpecialTokens: addSpecialTokens)
    }
  }

  private func encode(
    validUTF8 text: UnsafeBufferPointer<UInt8>, addSpecialTokens: Bool
  ) -> [Int] {
    var ids: [Int] = []
    addedTokens.split(text, normalizer: normalizer) { token in
      ids.append(Int(token))
    } onText: { segment in
      var pieces = PieceList(segment)
      for step in preTokenizers { step.apply(to: &pieces) }
      model.append(pieces, to: &ids)
    }
    for step in postProcessors {
      ids = step.process(ids, addingSpecialTokens: addSpecialTokens)
    }
    return ids
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
    var decoder = makeStreamDecoder(skipSpecialTokens: skipSpecialTokens)
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
    for (position, id) in ids.enumerated() where utf8(of: id) == nil {
      throw .unknownID(id, position: position)
    }
    return decode(ids, skipSpecialTokens: skipSpecialTokens)
  }

  /// A decoder that takes ids one at a time.
  public func makeStreamDecoder(skipSpecialTokens: Bool) -> StreamDecoder {
    StreamDecoder(tokenizer: self, skipsSpecialTokens: skipSpecialTokens)
  }
}
