/// The tokenizer of a `tokenizer.json`.
///
///     added tokens ─▶ normalizer ─▶ pre-tokenizer ─▶ model ─▶ post-processor ─▶ ids
///
/// and ids come back through the decoder.
struct TokenizerPipeline: TokenizerBackend {
  let addedTokens: AddedVocabulary
  let normalizer: (any Normalizer)?
  let preTokenizers: [any PreTokenizer]
  let model: BytePairModel
  var postProcessors: [any PostProcessor]
  let decoder: any TokenDecoder
  let vocabularySize: Int

  var idBound: Int { max(model.vocabulary.idBound, addedTokens.idBound) }

  // The file has no names for them, a tokenizer_config.json has.
  var beginID: Int?
  var endID: Int?

  // MARK: Vocabulary

  func id(of token: [UInt8]) -> Int? {
    (addedTokens.id(of: token) ?? model.vocabulary.id(of: token)).map { Int($0) }
  }

  func token(of id: Int) -> ArraySlice<UInt8>? {
    model.vocabulary.token(of: id) ?? addedTokens.token(of: id)
  }

  func isSpecial(_ id: Int) -> Bool { addedTokens.isSpecial(id) }

  // MARK: Encoding

  func encode(validUTF8 text: UnsafeBufferPointer<UInt8>, addSpecialTokens: Bool) -> [Int] {
    var ids: [Int] = []
    addedTokens.split(text, normalizer: normalizer) { token in
      ids.append(Int(token))
    } onText: { segment, beginsText in
      var pieces = PieceList(segment, beginsText: beginsText)
      for step in preTokenizers { step.apply(to: &pieces) }
      model.append(pieces, to: &ids)
    }
    for step in postProcessors {
      ids = step.process(ids, addingSpecialTokens: addSpecialTokens)
    }
    return ids
  }

  // MARK: Decoding

  func makeDecoder(skipSpecialTokens: Bool) -> any TokenizerBackendDecoder {
    Decoder(pipeline: self, skipsSpecialTokens: skipSpecialTokens)
  }

  private struct Decoder: TokenizerBackendDecoder {
    private let pipeline: TokenizerPipeline
    private let skipsSpecialTokens: Bool
    private var state: any TokenDecoderState

    init(pipeline: TokenizerPipeline, skipsSpecialTokens: Bool) {
      self.pipeline = pipeline
      self.skipsSpecialTokens = skipsSpecialTokens
      state = pipeline.decoder.makeState()
    }

    mutating func append(_ id: Int, to text: inout [UInt8]) {
      guard let token = pipeline.token(of: id) else { return }
      if skipsSpecialTokens && pipeline.isSpecial(id) { return }
      state.append(token, to: &text)
    }

    mutating func finish(to text: inout [UInt8]) { state.finish(to: &text) }
  }
}
