import MeteoRA

/// A generation and its routing, as one page shows them: the paper's Figure 4 to read and to ask.
public struct RoutingReport: Sendable, Equatable {
  /// A token and its text.
  public struct Token: Sendable, Equatable {
    /// Its id.
    public var id: Int
    /// The text that is certain with it; empty if it ends inside a character. `nil` where there is
    /// no tokenizer: the id is then shown.
    public var text: String?
    /// Whether it is a special token, such as the beginning of the text.
    public var isSpecial: Bool

    /// - Parameters:
    ///   - id: Its id.
    ///   - text: See ``text``.
    ///   - isSpecial: Whether it is a special token.
    public init(id: Int, text: String?, isSpecial: Bool = false) {
      self.id = id
      self.text = text
      self.isSpecial = isSpecial
    }
  }

  /// A prompt and its answer.
  public struct Sequence: Sendable, Equatable {
    /// `nil` for a prompt that stands alone.
    public var name: String?
    /// Prompt and answer.
    public var tokens: [Token]
    /// How many of the tokens are the prompt.
    public var promptCount: Int
    /// Why the answer ended.
    public var finishReason: FinishReason
    /// The choices of every routed module for the tokens, as far as they were run.
    public var modules: [ModuleRouting]

    /// - Parameters:
    ///   - name: `nil` for a prompt that stands alone.
    ///   - tokens: Prompt and answer.
    ///   - promptCount: How many of the tokens are the prompt.
    ///   - finishReason: Why the answer ended.
    ///   - modules: The choices of every routed module.
    public init(
      name: String?, tokens: [Token], promptCount: Int, finishReason: FinishReason,
      modules: [ModuleRouting]
    ) {
      self.name = name
      self.tokens = tokens
      self.promptCount = promptCount
      self.finishReason = finishReason
      self.modules = modules
    }
  }

  /// What the reader knows the model by.
  public var model: String
  /// By index.
  public var adapterNames: [String]
  /// Indices of those that the gates could not choose, because the request left them out, they were
  /// disabled, or no row of the gates is theirs.
  public var leftOut: Set<Int>
  /// How the gates' logits became choices.
  public var router: RouterConfiguration
  /// What computed the updates.
  public var kernel: LoRAMoEKernel
  /// In order.
  public var sequences: [Sequence]

  /// - Parameters:
  ///   - model: What the reader knows the model by.
  ///   - adapterNames: By index.
  ///   - leftOut: Indices of those that the gates could not choose.
  ///   - router: How the gates' logits became choices.
  ///   - kernel: What computed the updates.
  ///   - sequences: In order.
  public init(
    model: String, adapterNames: [String], leftOut: Set<Int> = [], router: RouterConfiguration,
    kernel: LoRAMoEKernel, sequences: [Sequence] = []
  ) {
    self.model = model
    self.adapterNames = adapterNames
    self.leftOut = leftOut
    self.router = router
    self.kernel = kernel
    self.sequences = sequences
  }
}

extension RoutingReport.Sequence {
  /// Tokens that were run in every module: of a pass that was broken off, later modules may lack
  /// some.
  var runCount: Int { min(tokens.count, modules.map(\.tokenCount).min() ?? 0) }

  /// The sums of a token's weights over all modules; `nil` if it was not run, or if it took no
  /// adapter that has a name.
  ///
  /// - Parameter adapterCount: Those with a name.
  func routing(of token: Int, adapterCount: Int) -> TokenRouting? {
    var sums = [Float](repeating: 0, count: adapterCount)
    var hasName = false
    for module in modules {
      guard token < module.tokenCount else { return nil }
      for place in token * module.topK..<(token + 1) * module.topK {
        let adapter = Int(module.adapters[place])
        guard sums.indices.contains(adapter) else { continue }
        sums[adapter] += module.weights[place]
        hasName = true
      }
    }
    return hasName ? TokenRouting(sums: sums, moduleCount: modules.count) : nil
  }
}
