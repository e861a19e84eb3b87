// The pipeline that Transformers makes of a SentencePiece model for its class LlamaTokenizer.
//
//   added tokens ─▶ ▁ in front, ▁ for spaces ─▶ merges by score, bytes ─▶ BOS and EOS ─▶ ids
//
// It agrees with SentencePiece on texts without added tokens, for models that put a ▁ in front and
// leave all else as it is; it looks at no other setting of the model.

import MeteoRASafetensors

extension TokenizerPipeline {
  /// - Parameters:
  ///   - pieces: The pieces of the model.
  ///   - unknown: The piece for what has none, as the model's trainer named it.
  ///   - tokens: What the files beside the model say.
  ///   - source: The name of the model file in errors.
  init(
    _ pieces: SentencePieceVocabulary, unknown: [UInt8], tokens: FolderTokens, source: String
  ) throws(TokenizerError) {
    let vocabulary = Vocabulary(numbered: pieces.texts)
    let bytes = BytePairModel.Fallback.byteIDs(in: vocabulary)
    let unknownID = vocabulary.id(of: unknown)
    if unknownID == nil && bytes.contains(nil) {
      throw .malformed(
        source: source,
        problem: "trainer_spec.unk_piece '\(printable(unknown))' is not there, expected a piece")
    }
    let space = [UInt8(ascii: " ")]
    let visibleSpace = SentencePieceNormalizer.space
    var normalizer: (any Normalizer)?
    var preTokenizers: [any PreTokenizer] = []
    if tokens.isLegacy {
      let replace = ReplaceNormalizer(
        replacement: TextReplacement(pattern: .literal(space), content: visibleSpace))
      normalizer =
        tokens.addsPrefixSpace
        ? NormalizerSequence(steps: [PrependNormalizer(prefix: visibleSpace), replace]) : replace
    } else {
      preTokenizers.append(
        MetaspacePreTokenizer(
          replacement: visibleSpace, prependScheme: tokens.addsPrefixSpace ? .first : .never,
          splits: false))
    }
    var decoder: [DecoderStep] = [
      .replace(TextReplacement(pattern: .literal(visibleSpace), content: space)), .byteFallback,
      .fuse,
    ]
    if tokens.addsPrefixSpace { decoder.append(.strip(content: space, start: 1, stop: 0)) }
    var numbering = try FolderTokenNumbering(pieces, source: source)
    try numbering.define(tokens)
    self.init(
      addedTokens: AddedVocabulary(try numbering.addedTokens(normalizer: normalizer)),
      normalizer: normalizer, preTokenizers: preTokenizers,
      model: BytePairModel(
        vocabulary: vocabulary, merges: try pieces.scoredMerges(source: source),
        ignoresMerges: false,
        fallback: .init(unknown: unknownID, fusesUnknown: true, bytes: bytes)),
      postProcessors: [], decoder: SequenceDecoder(steps: decoder), vocabularySize: numbering.count)
    var configuration = tokens.configuration
    configuration.isLlama = true
    try apply(configuration, source: source)
  }
}
