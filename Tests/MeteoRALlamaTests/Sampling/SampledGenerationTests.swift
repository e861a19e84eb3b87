import MeteoRAKernels
import MeteoRATestSupport
import Testing

@testable import MeteoRALlama

@Suite("Generation by drawing")
struct SampledGenerationTests {
  private func options(_ count: Int = 12, seed: UInt64 = 1) -> GenerationOptions {
    var options = GenerationOptions()
    options.maximumNewTokens = count
    options.endOfSequence = []
    options.temperature = 1.5
    options.seed = seed
    return options
  }

  @Test("each sequence of a batch draws what it draws alone")
  func batches() throws {
    for kind in ForwardModel.allCases {
      let model = try kind.load()
      let prompts = [3, 40, 1, 17, 3].map { model.tokens($0, seed: UInt64($0)) }
      var options = options()
      options.topK = 8
      options.repetitionPenalty = 1.2
      // Some end before the others, which go on as they were.
      options.endOfSequence = [try model.generate([prompts[0]], options: options)[0].newTokens[4]]
      let alone = try prompts.map { try model.generate([$0], options: options)[0] }
      #expect(try model.generate(prompts, options: options) == alone)
      #expect(try model.generate(prompts.reversed(), options: options) == alone.reversed())
      // The first and the last prompt are the same.
      #expect(alone[0] == alone[4])
    }
  }

  @Test("the same seed gives the same answer, others give others")
  func seeds() throws {
    let model = try ForwardModel.groupedQueries.load()
    let prompt = model.tokens(5)
    let answers = try (0..<10).map { seed in
      try model.generate([prompt], options: options(seed: UInt64(seed)))[0].newTokens
    }
    #expect(Set(answers).count == 10)
    #expect(try model.generate([prompt], options: options(seed: 3))[0].newTokens == answers[3])
  }

  @Test("the number of a step counts from the first new token, whatever the prompt's length")
  func stepCount() throws {
    var tiny = TinyModel()
    // All logits are equal: the answer is the random numbers.
    tiny.tensors["lm_head.weight"] = .init([Float](repeating: 0, count: 88), [11, 8])
    let model = try tiny.load()
    let expected = (0..<12).map { Int(uniformNumber(seed: 1, step: UInt64($0)) * 11) }
    for length in [1, 7] {
      #expect(
        try model.generate([model.tokens(length)], options: options())[0].newTokens == expected)
    }
  }

  @Test("temperature 0 is the largest logit, whatever filters and seed are")
  func greedy() throws {
    let model = try ForwardModel.groupedQueries.load()
    let prompt = model.tokens(5)
    var greedy = options()
    greedy.temperature = 0
    let expected = try model.generate([prompt], options: greedy)
    (greedy.topK, greedy.topP, greedy.seed) = (3, 0.1, 99)
    #expect(try model.generate([prompt], options: greedy) == expected)
    // And so is the only one that filters leave.
    var single = options()
    single.topK = 1
    #expect(try model.generate([prompt], options: single) == expected)
    var nucleus = options()
    nucleus.topP = .leastNonzeroMagnitude
    #expect(try model.generate([prompt], options: nucleus) == expected)
  }

  @Test(
    "a temperature that overflows logits is greedy too",
    arguments: [1e-30, 1e-38, Float.leastNonzeroMagnitude])
  func cold(temperature: Float) throws {
    let model = try ForwardModel.groupedQueries.load()
    let prompt = model.tokens(5)
    var options = options()
    options.temperature = temperature
    let drawn = try model.generate([prompt], options: options)
    options.temperature = 0
    #expect(try model.generate([prompt], options: options) == drawn)
  }

  @Test("an infinite logit ends it with an error that names the place", arguments: [1, -1])
  func infiniteLogit(sign: Float) throws {
    var tiny = TinyModel()
    let bits = (sign * Float.infinity).bitPattern
    tiny.tensors["lm_head.weight"]?.bytes.replaceSubrange(
      7 * 32..<7 * 32 + 4, with: withUnsafeBytes(of: bits, Array.init))
    let model = try tiny.load()
    #expect(try model.logits(of: [1, 2])[11 + 7].isInfinite)
    let error = LlamaError.infiniteLogit(prompt: 1, position: 1, id: 7)
    // The first prompt has no room.
    #expect(throws: error) { try model.generate([model.tokens(640), [1, 2]], options: options()) }
    #expect(
      error.description
        == "prompt 1: the logits after position 1 hold an infinity for token 7, expected finite "
        + "numbers to draw the next token by")
    var greedy = options(1)
    greedy.temperature = 0
    #expect(try model.generate([[1, 2]], options: greedy)[0].newTokens.count == 1)
  }

  // MARK: Settings

  struct Refusal: Sendable, CustomTestStringConvertible {
    let name: String
    let value: String
    let set: @Sendable (inout GenerationOptions) -> Void

    var testDescription: String { "\(name) \(value)" }
  }

  static let refusals: [Refusal] =
    [-1, -0.001, .infinity, -.infinity, .nan].map { value in
      Refusal(name: "temperature", value: "\(value)") { $0.temperature = value }
    }
    + [0, -0.5, 1.0001, .infinity, .nan].map { value in
      Refusal(name: "top_p", value: "\(value)") { $0.topP = value }
    }
    + [0, -1, .infinity, .nan].map { value in
      Refusal(name: "repetition_penalty", value: "\(value)") { $0.repetitionPenalty = value }
    }
    + [-1, .min].map { value in Refusal(name: "top_k", value: "\(value)") { $0.topK = value } }

  @Test("it refuses settings out of range, by name and value", arguments: refusals)
  func refuses(refusal: Refusal) throws {
    let model = try ForwardModel.tiny.load()
    var options = GenerationOptions()
    refusal.set(&options)
    let error = try #require(throws: LlamaError.self) {
      try model.generate([[1]], options: options)
    }
    #expect(error.label == "range \(refusal.name)")
    #expect(error.description.hasPrefix("generation: \(refusal.name) is \(refusal.value), "))
  }

  @Test("it takes settings at the ends of their ranges")
  func takesLimits() throws {
    let model = try ForwardModel.tiny.load()
    for temperature in [Float.leastNonzeroMagnitude, .greatestFiniteMagnitude] {
      for penalty in [Float.leastNonzeroMagnitude, .greatestFiniteMagnitude] {
        var options = options(20)
        (options.temperature, options.repetitionPenalty) = (temperature, penalty)
        (options.topK, options.topP, options.noRepeatNgramSize) = (.max, 1, 1)
        options.seed = .max
        #expect(try model.generate([[1, 2, 3]], options: options)[0].newTokens.count == 20)
      }
    }
  }
}
