import MeteoRASafetensors

extension SentencePieceFile {
  /// More than three times the largest model known; what is prepared from a file is several times
  /// its size.
  private static let largestFile = 16 << 20

  /// Reads the fields of a file of type BPE.
  init(bpe bytes: UnsafeRawBufferPointer, source: String) throws(TokenizerError) {
    if bytes.count > Self.largestFile {
      throw .unsupported(
        source: source, feature: "a SentencePiece model of \(bytes.count) bytes",
        alternative: "at most \(Self.largestFile) are")
    }
    self = try SentencePieceFile(bytes, source: source)
    if modelType != 2 {
      let name = ["unigram", "BPE", "word", "char"][Int(modelType) - 1]
      throw .unsupported(
        source: source, feature: "the SentencePiece model type '\(name)'", alternative: "BPE is")
    }
  }
}

extension SentencePieceModel {
  /// The longest text of the unknown piece, which stands for every character without a piece.
  private static let longestSurface = 1024

  /// - Parameters:
  ///   - file: What the file says.
  ///   - vocabulary: Its pieces.
  ///   - bytes: The file.
  init(
    _ file: SentencePieceFile, vocabulary: SentencePieceVocabulary,
    in bytes: UnsafeRawBufferPointer, source: String
  ) throws(TokenizerError) {
    if !file.denormalizer.charsmap.isEmpty {
      throw .unsupported(
        source: source, feature: "denormalizer_spec.precompiled_charsmap",
        alternative: "an empty one is")
    }
    if let surface = file.unknownSurface, surface.count > Self.longestSurface {
      throw .unsupported(
        source: source, feature: "trainer_spec.unk_surface of \(surface.count) bytes",
        alternative: "at most \(Self.longestSurface) are")
    }
    let symbols = vocabulary.types.indices.filter { vocabulary.types[$0] == .userDefined }.map {
      AddedToken.plain(id: UInt32($0), content: Array(vocabulary.texts[$0]), isSpecial: false)
    }
    var charsmap: PrecompiledCharsmap?
    if !file.normalizer.charsmap.isEmpty {
      charsmap = try PrecompiledCharsmap(
        UnsafeRawBufferPointer(rebasing: bytes[file.normalizer.charsmap]), source: source)
    }
    let hasUnused = vocabulary.types.contains(.unused)
    self.vocabulary = vocabulary
    merges = SentencePieceMerges(vocabulary)
    normalizer = SentencePieceNormalizer(
      symbols: AddedTokenMatcher(symbols), texts: vocabulary.texts, charsmap: charsmap,
      addsDummyPrefix: file.normalizer.addsDummyPrefix,
      removesExtraSpaces: file.normalizer.removesExtraSpaces,
      escapesSpaces: file.normalizer.escapesSpaces, putsSpaceLast: file.putsSpaceLast)
    unusedPieces =
      hasUnused ? UnusedPieceMerging(isUnused: vocabulary.types.map { $0 == .unused }) : nil
    unknownSurface = Array(file.unknownSurface.map { Array(bytes[$0]) } ?? Array(" ⁇ ".utf8))
    func controlID(_ name: Range<Int>?, standard: String) -> Int? {
      let text = name.map { Array(bytes[$0]) } ?? Array(standard.utf8)
      let id = vocabulary.id(of: text).map { Int($0) }
      return id.flatMap { vocabulary.types[$0] == .control ? $0 : nil }
    }
    beginID = controlID(file.beginPiece, standard: "<s>")
    endID = controlID(file.endPiece, standard: "</s>")
  }

  /// Takes over what the `tokenizer_config.json` beside the file says.
  ///
  /// - Parameter source: The name of the model file in errors.
  mutating func apply(
    _ configuration: TokenizerConfiguration, source: String
  ) throws(TokenizerError) {
    (beginID, endID) = try configuration.ids(
      in: source, standard: (beginID, endID), id: { vocabulary.id(of: $0).map { Int($0) } })
    addsBegin = configuration.addsBegin ?? addsBegin
    addsEnd = configuration.addsEnd ?? addsEnd
    if configuration.addsBegin == true && beginID == nil {
      throw TokenizerConfiguration.nothingToAdd("bos_token", source: source)
    }
    if addsEnd && endID == nil {
      throw TokenizerConfiguration.nothingToAdd("eos_token", source: source)
    }
  }
}
