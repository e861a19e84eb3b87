import MeteoRA

extension RoutingReport {
  /// A report of generations of a model, none yet.
  ///
  /// - Parameters:
  ///   - model: What the generations run.
  ///   - name: What the reader knows the model by.
  ///   - mode: Of all generations; the model's default if `nil`.
  /// - Throws: ``MeteoRAError/notRouted(model:)`` for a mode without gates, else as a generation in
  ///   this mode.
  public init(
    of model: MeteoRAModel, name: String, mode: MeteoRAModel.Mode? = nil
  ) throws(MeteoRAError) {
    let allowed = try model.routingScope(in: mode).adapters
    self.init(
      model: name, adapterNames: model.adapterNames,
      leftOut: Set(model.adapterNames.indices).subtracting(allowed), router: model.files.router,
      kernel: model.kernel)
  }
}

extension RoutingReport.Sequence {
  /// A prompt and what a generation made of it so far.
  ///
  /// A character that several tokens make up stands whole with the last of them; the others have no
  /// text.
  ///
  /// - Parameters:
  ///   - prompt: The tokens that were continued, and their name.
  ///   - index: Of the prompt among those of the generation.
  ///   - generation: One that records routing.
  ///   - tokenizer: `nil` to show ids.
  public init(
    _ prompt: NamedPrompt, index: Int, of generation: MeteoRAGeneration, tokenizer: Tokenizer?
  ) {
    let result = generation.result(of: index)
    var decoder = tokenizer?.makeStreamDecoder(skipSpecialTokens: false)
    var tokens: [RoutingReport.Token] = []
    for id in prompt.tokens + (result?.newTokens ?? []) {
      tokens.append(
        RoutingReport.Token(
          id: id, text: decoder?.append(id), isSpecial: tokenizer?.isSpecial(id) ?? false))
    }
    if let rest = decoder?.finish(), let last = tokens.indices.last {
      tokens[last].text = (tokens[last].text ?? "") + rest
    }
    self.init(
      name: prompt.name, tokens: tokens, promptCount: prompt.tokens.count,
      finishReason: result?.finishReason ?? .cancelled,
      modules: generation.moduleRouting(of: index))
  }
}
