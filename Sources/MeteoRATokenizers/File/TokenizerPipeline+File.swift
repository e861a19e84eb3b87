extension TokenizerPipeline {
  /// Reads and checks a whole `tokenizer.json`.
  init(_ root: TokenizerField) throws(TokenizerError) {
    try root.refuseMembers(otherThan: [
      "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
      "post_processor", "decoder", "model",
    ])
    if let version = try root.optional("version"), !version.value.equals("1.0") {
      throw version.mismatch(expected: "\"1.0\"")
    }
    // The library would cut or fill every text by these, which nobody expects of a model's input.
    for part in ["truncation", "padding"] where try root.optional(part) != nil {
      throw root.unsupported(part, alternative: "null is")
    }
    model = try BytePairModel(try root.required("model"))
    normalizer = try readNormalizer(try root.optional("normalizer"))
    preTokenizers = try readPreTokenizers(try root.optional("pre_tokenizer"))
    try TextGrowth.checkCount(preTokenizers.count, of: "a pre_tokenizer", in: root)
    var growth = TextGrowth()
    for step in preTokenizers.reversed() { step.precede(&growth) }
    // Added tokens cut what the normalizer makes.
    growth.cut()
    normalizer?.precede(&growth)
    try growth.check("a normalizer and pre_tokenizer", of: root)
    let added = try readAddedTokens(
      try root.optional("added_tokens"), vocabulary: model.vocabulary, normalizer: normalizer)
    try Self.checkBegin(
      normalizer: normalizer, preTokenizers: preTokenizers,
      cutsNormalized: added.contains(where: \.isNormalized), of: root)
    let (vocabulary, addedTokens) = (model.vocabulary, AddedVocabulary(added))
    self.addedTokens = addedTokens
    let newTokens = added.filter { vocabulary.id(of: $0.content) == nil }
    vocabularySize = vocabulary.count + newTokens.count
    try model.checkUnknownToken(
      of: try root.required("model"), isByteLevel: preTokenizers.last is ByteLevelPreTokenizer)
    postProcessors = try readPostProcessors(try root.optional("post_processor")) { id in
      vocabulary.token(of: id) != nil || addedTokens.token(of: id) != nil
    }
    decoder = try readDecoder(try root.optional("decoder"))
  }

  /// Refuses what makes `Metaspace` with `first` depend on more than the begin of the first piece.
  ///
  /// The library asks whether a piece comes from where the text began before all steps. All pieces
  /// do into which the first character was cut after it became several.
  ///
  /// - Parameter cutsNormalized: Whether there are added tokens that cut normalized text.
  private static func checkBegin(
    normalizer: (any Normalizer)?, preTokenizers: [any PreTokenizer], cutsNormalized: Bool,
    of root: TokenizerField
  ) throws(TokenizerError) {
    let last = preTokenizers.lastIndex {
      ($0 as? MetaspacePreTokenizer)?.prependScheme == .first
    }
    guard let last else { return }
    let alternative = "'always' and 'never' are"
    if normalizer?.canRemoveBegin == true {
      throw root.unsupported(
        "a normalizer that can remove the begin of a text, before Metaspace with prepend_scheme "
          + "'first',", alternative: alternative)
    }
    let earlier = preTokenizers[..<last]
    let expands = normalizer?.canExpand == true || earlier.contains { !($0 is SplitPreTokenizer) }
    if expands && (cutsNormalized || !earlier.isEmpty) {
      throw root.unsupported(
        "cutting what can be several characters for one, before Metaspace with prepend_scheme "
          + "'first',", alternative: alternative)
    }
  }

  /// Takes over what the `tokenizer_config.json` beside the file says.
  ///
  /// Llama's classes replace the post-processor; others leave it as it is.
  ///
  /// - Parameter source: The name of the tokenizer's file in errors.
  mutating func apply(
    _ configuration: TokenizerConfiguration, source: String
  ) throws(TokenizerError) {
    let isLlama = configuration.isLlama
    (beginID, endID) = try configuration.ids(
      in: source,
      standard: (
        isLlama ? id(of: Array("<s>".utf8)) : nil, isLlama ? id(of: Array("</s>".utf8)) : nil
      ), id: { id(of: $0) })
    if !isLlama { return }
    var parts = [TemplatePostProcessor.Part.text]
    if configuration.addsBegin ?? true {
      guard let beginID else {
        throw TokenizerConfiguration.nothingToAdd("bos_token", source: source)
      }
      parts.insert(.special([beginID]), at: 0)
    }
    if configuration.addsEnd ?? false {
      guard let endID else {
        throw TokenizerConfiguration.nothingToAdd("eos_token", source: source)
      }
      parts.append(.special([endID]))
    }
    postProcessors = [TemplatePostProcessor(parts: parts)]
  }
}
