import MeteoRASafetensors
import MeteoRATokenizers

/// Turns samples into token ids, with the adapter of every token.
///
///     [BOS]  tokens of the prompt  tokens of the response  [EOS]      cut at the end
///
/// Prompt and response are tokenised by themselves, without special tokens. BOS and EOS are no part
/// of the published data.
package struct SampleEncoder: Sendable {
  /// What samples become.
  package struct Options: Sendable, Equatable {
    /// Whether BOS is put in front.
    package var addsBegin: Bool
    /// Whether EOS is put behind the response.
    package var addsEnd: Bool
    /// The number of tokens that are kept, BOS and EOS counted.
    package var maximumLength: Int

    package init(addsBegin: Bool = false, addsEnd: Bool, maximumLength: Int) {
      self.addsBegin = addsBegin
      self.addsEnd = addsEnd
      self.maximumLength = maximumLength
    }
  }

  /// Lengths that a sample may be cut to.
  package static let lengths = 2...1 << 24

  private let tokenizer: Tokenizer
  private let starts: TokenStarts
  private let vocabularySize: Int
  /// BOS, if it is put in front.
  private let begin: [Int]
  /// EOS, if it is put behind the response.
  private let end: [Int]
  /// The number of tokens that are kept of a sample.
  package let maximumLength: Int

  /// - Parameter vocabularySize: The number of the model's embeddings; larger ids are refused.
  /// - Throws: ``TrainingDataError/noToken(_:)`` if the tokenizer names no token that is asked for,
  ///   ``TrainingDataError/setting(_:found:expected:)`` for a length outside ``lengths``.
  package init(
    tokenizer: Tokenizer, vocabularySize: Int, options: Options
  ) throws(TrainingDataError) {
    guard Self.lengths.contains(options.maximumLength) else {
      throw .setting(
        "the maximum length", found: options.maximumLength, expected: Self.lengths)
    }
    begin = options.addsBegin ? [try Self.require(tokenizer.beginID, "BOS")] : []
    end = options.addsEnd ? [try Self.require(tokenizer.endID, "EOS")] : []
    self.tokenizer = tokenizer
    starts = TokenStarts(tokenizer: tokenizer)
    // Ids are stored in 32 bits.
    self.vocabularySize = min(vocabularySize, Int(Int32.max))
    maximumLength = options.maximumLength
  }

  private static func require(_ id: Int?, _ token: String) throws(TrainingDataError) -> Int {
    guard let id else { throw .noToken(token) }
    return id
  }

  /// Encodes a sample.
  ///
  /// A token belongs to the span of its first byte; outside of spans to `adapter`. BOS belongs to
  /// the adapter of the token behind it, EOS to that of the token before it.
  ///
  /// - Parameters:
  ///   - adapter: The adapter of the sample's task; `nil` if only its spans have one.
  ///   - file: The name of the file in errors.
  package func encode(
    _ text: SampleText, adapter: Int?, file: String
  ) throws(TrainingDataError) -> TrainingSample {
    let prompt = try ids(of: text.prompt, line: text.line, file: file)
    let response = try ids(of: text.response, line: text.line, file: file)
    let all = begin + prompt + response + end
    guard all.count >= 2 else {
      throw .tooShort(file: file, line: text.line, tokens: all.count)
    }
    if let id = all.first(where: { $0 >= vocabularySize }) {
      throw .unknownID(file: file, line: text.line, id: id, vocabularySize: vocabularySize)
    }
    let owners = try owners(prompt, response, of: text, adapter: adapter, file: file)
    let kept = min(all.count, maximumLength)
    return TrainingSample(
      ids: all.prefix(kept).map(Int32.init), promptCount: min(begin.count + prompt.count, kept),
      gateRuns: gateRuns(of: owners, upTo: kept), fullCount: all.count)
  }

  private func ids(
    of text: [UInt8], line: Int, file: String
  ) throws(TrainingDataError) -> [Int] {
    do throws(TokenizerError) {
      return try tokenizer.encode(utf8: text, addSpecialTokens: false)
    } catch {
      throw .tokenizer(file: file, line: line, error)
    }
  }

  // MARK: Adapters

  /// The adapter of each token of prompt and response.
  private func owners(
    _ prompt: [Int], _ response: [Int], of text: SampleText, adapter: Int?, file: String
  ) throws(TrainingDataError) -> [Int?] {
    if text.spans.isEmpty {
      return [Int?](repeating: adapter, count: prompt.count + response.count)
    }
    let places =
      try starts(of: prompt, in: text.prompt, "prompt", of: text, file: file)
      + starts(of: response, in: text.response, "response", of: text, file: file)
      .map { text.prompt.count + $0 }
    var spans = text.spans[...]
    return places.map { place in
      while let span = spans.first, span.bytes.upperBound <= place { spans.removeFirst() }
      guard let span = spans.first, span.bytes.contains(place) else { return adapter }
      return span.adapter
    }
  }

  /// The runs of the first tokens of a sample, with those of BOS and EOS.
  private func gateRuns(of owners: [Int?], upTo count: Int) -> [TrainingSample.GateRun] {
    guard let first = owners.first, let last = owners.last else { return [] }
    let all = begin.map { _ in first } + owners + end.map { _ in last }
    var runs: [TrainingSample.GateRun] = []
    for (token, owner) in all.prefix(count).enumerated() {
      guard let owner else { continue }
      if let run = runs.last, run.adapter == owner, run.tokens.upperBound == token {
        runs[runs.count - 1].tokens = run.tokens.lowerBound..<token + 1
      } else {
        runs.append(TrainingSample.GateRun(tokens: token..<token + 1, adapter: owner))
      }
    }
    return runs
  }

  private func starts(
    of ids: [Int], in bytes: [UInt8], _ part: String, of text: SampleText, file: String
  ) throws(TrainingDataError) -> [Int] {
    do throws(TokenStarts.Misspelling) {
      return try starts.starts(of: ids, in: bytes)
    } catch {
      throw .misspelled(file: file, line: text.line, part: part, bytes: error.bytes)
    }
  }
}
