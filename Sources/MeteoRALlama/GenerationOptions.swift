import MeteoRAKernels

/// How to continue prompts.
///
/// With a ``temperature`` of 0, the default, each token is the one with the largest logit; above 0
/// it is drawn. The order of all steps is part of the arithmetic contract (see `MeteoRA`).
public struct GenerationOptions: Sendable, Equatable {
  /// New tokens a sequence, at most; those of the model's positions that the prompt leaves are
  /// another limit.
  public var maximumNewTokens = 128
  /// No n-gram of this length may occur twice in prompt and answer together; 0 allows all.
  public var noRepeatNgramSize = 0
  /// Ids that end a sequence; `nil` takes the model's own, an empty list none.
  public var endOfSequence: [Int]?

  /// Logits of ids that prompt or answer hold already are divided by it, negative ones multiplied;
  /// finite and above 0; 1 changes nothing. It counts at any temperature.
  public var repetitionPenalty: Float = 1
  /// Divides the logits before a token is drawn: below 1 likely tokens become likelier. Finite and
  /// not negative; 0 takes the largest logit, and ``topK``, ``topP`` and ``seed`` have no effect.
  public var temperature: Float = 0
  /// Only tokens with one of the k largest logits are drawn, or with one that equals the k-th; 0
  /// allows all.
  public var topK = 0
  /// Only the fewest most likely tokens are drawn that have at least this probability together;
  /// above 0, at most 1; 1 allows all.
  public var topP: Float = 1
  /// Chooses the random numbers. A sequence draws the same ones alone and in any batch, so that
  /// equal prompts of a batch have equal answers; other answers need another seed.
  public var seed: UInt64 = 0

  /// The largest logit every time, 128 new tokens at most, no block, the model's own end of
  /// sequence.
  public init() {}

  /// Throws unless every setting is in its range.
  package func validate() throws(LlamaError) {
    func require(
      _ isAllowed: Bool, _ name: String, _ value: some CustomStringConvertible, _ allowed: String
    ) throws(LlamaError) {
      if isAllowed { return }
      throw .kernel(
        context: "generation",
        .outOfRange(argument: name, actual: value.description, allowed: allowed))
    }
    for (name, value) in [
      ("max_new_tokens", maximumNewTokens), ("no_repeat_ngram_size", noRepeatNgramSize),
      ("top_k", topK),
    ] {
      try require(value >= 0, name, value, "not negative")
    }
    try require(
      temperature.isFinite && temperature >= 0, "temperature", temperature,
      "a finite number, not negative")
    try require(topP > 0 && topP <= 1, "top_p", topP, "a number above 0 and at most 1")
    try require(
      repetitionPenalty.isFinite && repetitionPenalty > 0, "repetition_penalty", repetitionPenalty,
      "a finite number above 0")
  }
}

/// Why a sequence ended.
public enum FinishReason: String, Sendable, Codable {
  /// The last new token is one of the end-of-sequence ids.
  case endOfSequence = "eos"
  /// The text of the new tokens holds a stop string; only where text is watched, see `MeteoRA`.
  case stopString = "stop"
  /// The number of new tokens, or of the model's positions, is used up.
  case length
  /// The caller stopped before.
  case cancelled
}

/// A token that was just generated.
public struct GeneratedToken: Sendable, Equatable {
  /// Index of the prompt that it continues.
  public var sequence: Int
  /// Its id.
  public var id: Int
  /// Set with the last token of its sequence.
  public var finishReason: FinishReason?
}

/// What became of one prompt.
public struct GenerationResult: Sendable, Equatable {
  /// New ids, with the end-of-sequence id that stopped it.
  public var newTokens: [Int]
  /// Why it ended.
  public var finishReason: FinishReason
}
