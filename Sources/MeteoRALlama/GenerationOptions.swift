/// How to continue prompts.
public struct GenerationOptions: Sendable, Equatable {
  /// New tokens a sequence, at most; those of the model's positions that the prompt leaves are
  /// another limit.
  public var maximumNewTokens = 128
  /// No n-gram of this length may occur twice in prompt and answer together; 0 allows all.
  public var noRepeatNgramSize = 0
  /// Ids that end a sequence; `nil` takes the model's own, an empty list none.
  public var endOfSequence: [Int]?

  /// 128 new tokens at most, no block, the model's own end of sequence.
  public init() {}
}

/// Why a sequence ended.
public enum FinishReason: String, Sendable, Codable {
  /// The last new token is one of the end-of-sequence ids.
  case endOfSequence = "eos"
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
