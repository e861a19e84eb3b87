import Foundation
import MeteoRAKernels
import MeteoRATestSupport
import Testing

@testable import MeteoRALlama

@Suite("Greedy generation")
struct GenerationTests {
  private func options(
    _ maximumNewTokens: Int, end: [Int]? = [], ngram: Int = 0
  ) -> GenerationOptions {
    var options = GenerationOptions()
    options.maximumNewTokens = maximumNewTokens
    options.endOfSequence = end
    options.noRepeatNgramSize = ngram
    return options
  }

  /// The definition: all logits anew for every token, every id tried against every n-gram.
  private func oracle(
    _ model: LlamaModel, _ prompt: [Int], count: Int, ngram: Int
  ) throws -> [Int] {
    let width = model.configuration.vocabularySize
    var tokens = prompt
    for _ in 0..<count {
      let logits = try model.logits(of: tokens).suffix(width)
      var best: (id: Int, logit: Float)?
      for (id, logit) in logits.enumerated() {
        let end = (tokens + [id]).suffix(ngram)
        let isRepeated =
          ngram > 0 && tokens.count >= ngram
          && (0...tokens.count - ngram).contains { Array(tokens[$0..<$0 + ngram]) == Array(end) }
        if !isRepeated, logit > best?.logit ?? -.infinity { best = (id, logit) }
      }
      tokens.append(best?.id ?? 0)
    }
    return Array(tokens[prompt.count...])
  }

  @Test(
    "it takes the largest logit that the n-gram block leaves",
    arguments: ForwardModel.allCases, [0, 1, 2, 3])
  func agreesWithOracle(kind: ForwardModel, ngram: Int) throws {
    let model = try kind.load()
    for (seed, length) in [(1, 1), (2, 4), (3, 9)] {
      let prompt = model.tokens(length, seed: UInt64(seed))
      let result = try model.generate([prompt], options: options(14, ngram: ngram))
      #expect(result.count == 1)
      #expect(try result[0].newTokens == oracle(model, prompt, count: 14, ngram: ngram))
      #expect(result[0].finishReason == .length)
    }
  }

  @Test("several prompts of different lengths are continued as each one alone")
  func batches() throws {
    for kind in ForwardModel.allCases {
      let model = try kind.load()
      let prompts = [3, 40, 1, 17, 2].map { model.tokens($0, seed: UInt64($0)) }
      let ends = try model.generate([prompts[1]], options: options(9))[0].newTokens
      let options = options(9, end: [ends[5]], ngram: 2)
      let alone = try prompts.map { try model.generate([$0], options: options)[0] }
      #expect(try model.generate(prompts, options: options) == alone)
      let threads = try Parallelism(threads: 5)
      #expect(try model.generate(prompts, options: options, parallelism: threads) == alone)
    }
  }

  @Test("prompts beyond the rows of one pass are continued as from a pass of their own")
  func longPrompts() throws {
    let model = try ForwardModel.tiny.load()
    let prompts = [511, 512, 513, 600, 30, 7].map { model.tokens($0, seed: UInt64($0)) }
    let expected = try prompts.map { try oracle(model, $0, count: 3, ngram: 0) }
    #expect(try model.generate(prompts, options: options(3)).map(\.newTokens) == expected)
  }

  @Test("it ends with any of the end-of-sequence ids, which is the last new token")
  func endOfSequence() throws {
    let model = try ForwardModel.groupedQueries.load()
    let prompt = model.tokens(5)
    let free = try model.generate([prompt], options: options(12))[0].newTokens
    for step in free.indices {
      let isFirst = !free[..<step].contains(free[step])
      let end = free.firstIndex(of: free[step]) ?? step
      let result = try model.generate([prompt], options: options(12, end: [-1, free[step], 9999]))
      #expect(result[0].newTokens == Array(free[...end]))
      #expect(result[0].finishReason == .endOfSequence)
      #expect(isFirst == (end == step))
    }
  }

  @Test("the model's own ids end it unless others are given")
  func ownEndOfSequence() throws {
    var tiny = TinyModel()
    let free = try tiny.load()
      .generate([[1, 2, 3]], options: options(5))[0].newTokens
    tiny.fields["eos_token_id"] = "[\(free[2]), \(free[1])]"
    let model = try tiny.load()
    let result = try model.generate([[1, 2, 3]], options: options(5, end: nil))[0]
    #expect(result.finishReason == .endOfSequence)
    #expect(result.newTokens.count <= 2)
    #expect(try model.generate([[1, 2, 3]], options: options(5))[0].newTokens == free)
  }

  @Test("it makes no more tokens than asked for, or than positions are left")
  func limits() throws {
    let model = try ForwardModel.tiny.load()
    let cases = [
      (length: 3, maximum: 0, made: 0), (3, 1, 1), (3, 7, 7), (638, 10, 2), (639, 10, 1),
      (640, 10, 0), (640, 0, 0), (636, Int.max, 4),
    ]
    for (length, maximum, made) in cases {
      let result = try model.generate([model.tokens(length)], options: options(maximum))[0]
      #expect(result.newTokens.count == made)
      #expect(result.finishReason == .length)
    }
    // A sequence that ends at once does not hold up the others.
    let results = try model.generate([model.tokens(640), [1]], options: options(2))
    #expect(results.map(\.newTokens.count) == [0, 2])
    #expect(try model.generate([], options: options(2)).isEmpty)
  }

  @Test("the last position and an end-of-sequence id together are an end of sequence")
  func endAtLimit() throws {
    let model = try ForwardModel.tiny.load()
    let id = try model.generate([[4, 5]], options: options(1))[0].newTokens[0]
    let result = try model.generate([[4, 5]], options: options(1, end: [id]))[0]
    #expect(result == GenerationResult(newTokens: [id], finishReason: .endOfSequence))
  }

  @Test("it refuses prompts and options that cannot be run")
  func refusals() throws {
    let model = try ForwardModel.tiny.load()
    let good = [1, 2]
    #expect(throws: LlamaError.emptyPrompt(index: 1)) { try model.generate([good, []]) }
    #expect(throws: LlamaError.promptTooLong(index: 1, count: 641, maximum: 640)) {
      try model.generate([good, model.tokens(641)])
    }
    for id in [-1, 11, Int.min, Int.max] {
      #expect(throws: LlamaError.tokenOutOfRange(id: id, position: 2, vocabularySize: 11)) {
        try model.generate([good, [0, 1, id]])
      }
    }
    for (options, name) in [
      (options(-1), "max_new_tokens"), (options(1, ngram: -1), "no_repeat_ngram_size"),
    ] {
      let error = try #require(throws: LlamaError.self) {
        try model.generate([good], options: options)
      }
      #expect(error.label == "range \(name)")
    }
  }

  // MARK: Steps

  private func generation(
    _ model: LlamaModel, _ prompts: [[Int]], _ options: GenerationOptions
  ) throws -> Generation {
    try Generation(
      prompts, model: model, evaluator: PlainEvaluator(), options: options, parallelism: .serial)
  }

  @Test("each step gives the next token of every sequence that goes on")
  func steps() throws {
    let model = try ForwardModel.tiny.load()
    let prompts = [[1, 2, 3], model.tokens(638), [7]]
    let generation = try generation(model, prompts, options(4))
    var tokens: [[Int]] = [[], [], []]
    for step in 0..<4 {
      let made = try generation.step()
      #expect(made.map(\.sequence) == (step < 2 ? [0, 1, 2] : [0, 2]))
      for token in made {
        tokens[token.sequence].append(token.id)
        let isLast = step == 3 || (step == 1 && token.sequence == 1)
        #expect(token.finishReason == (isLast ? .length : nil))
      }
      #expect(generation.results.map(\.newTokens) == tokens)
    }
    #expect(try generation.step().isEmpty)
    #expect(try generation.step().isEmpty)
    #expect(try model.generate(prompts, options: options(4)) == generation.results)
  }

  @Test("it can be stopped after any step")
  func cancellation() throws {
    let model = try ForwardModel.tiny.load()
    let generation = try generation(model, [[1, 2, 3], model.tokens(639)], options(9))
    #expect(generation.results.map(\.finishReason) == [.cancelled, .cancelled])
    #expect(generation.results.allSatisfy { $0.newTokens.isEmpty })
    _ = try generation.step()
    _ = try generation.step()
    #expect(generation.results.map(\.finishReason) == [.cancelled, .length])
    #expect(generation.results.map(\.newTokens.count) == [2, 1])
  }

  @Test("the last tokens can be run, which ends it")
  func lastTokens() throws {
    let model = try ForwardModel.tiny.load()
    let observer = RowCounter()
    let generation = try Generation(
      [[1, 2, 3], [4], model.tokens(640)], model: model, evaluator: PlainEvaluator(),
      options: options(5), observer: observer, parallelism: .serial)
    _ = try generation.step()
    _ = try generation.step()
    #expect(observer.rows == [0: 4, 1: 2])
    try generation.runLastTokens()
    #expect(observer.rows == [0: 5, 1: 3, 2: 640])
    try generation.runLastTokens()
    #expect(observer.rows == [0: 5, 1: 3, 2: 640])
    #expect(try generation.step().isEmpty)
    #expect(generation.results.map(\.finishReason) == [.cancelled, .cancelled, .length])
  }

  private final class RowCounter: ForwardObserver {
    var rows: [Int: Int] = [:]

    func begin(rows: [RowOrigin]) {
      for row in rows {
        #expect(row.position == self.rows[row.sequence, default: 0])
        self.rows[row.sequence, default: 0] += 1
      }
    }

    func wants(_ point: TracePoint) -> Bool { false }
    func observe(_ point: TracePoint, _ values: UnsafePointer<Float>, width: Int) {}
  }

  // MARK: Memory

  @Test("the keys and values of a sequence are given back when it ends")
  func releasesCaches() throws {
    let model = try ForwardModel.tiny.load()
    let prompts = [model.tokens(638), [1, 2, 3], model.tokens(640), [4]]
    let generation = try generation(model, prompts, options(9, end: []))
    #expect(generation.cacheByteCount == 0)
    _ = try generation.step()
    let block = try block(model)
    // 638 positions are five blocks of 128; the third prompt has no room and is never run.
    #expect(generation.cacheByteCount == 7 * block)
    _ = try generation.step()
    #expect(generation.cacheByteCount == 2 * block)
    #expect(generation.results[0].finishReason == .length)
    while try !generation.step().isEmpty {}
    #expect(generation.cacheByteCount == 0)
    #expect(try model.generate(prompts, options: options(9, end: [])) == generation.results)
  }

  @Test("an end-of-sequence id gives them back, too; an observer keeps them for the last tokens")
  func releasesCachesOfObserved() throws {
    let model = try ForwardModel.tiny.load()
    let end = try model.generate([[1, 2, 3]], options: options(1))[0].newTokens
    let free = try generation(model, [[1, 2, 3]], options(9, end: end))
    _ = try free.step()
    #expect(free.cacheByteCount == 0)
    let observed = try Generation(
      [[1, 2, 3]], model: model, evaluator: PlainEvaluator(), options: options(9, end: end),
      observer: RowCounter(), parallelism: .serial)
    _ = try observed.step()
    #expect(try observed.cacheByteCount == block(model))
    try observed.runLastTokens()
    #expect(observed.cacheByteCount == 0)
    #expect(observed.results == free.results)
    // Without an observer there is nobody to run the last tokens for.
    let cancelled = try generation(model, [[1, 2, 3]], options(9))
    _ = try cancelled.step()
    try cancelled.runLastTokens()
    #expect(cancelled.cacheByteCount == 0 && cancelled.results[0].finishReason == .cancelled)
  }

  /// Bytes that the first 128 positions of a sequence take.
  private func block(_ model: LlamaModel) throws -> Int {
    let state = SequenceState(for: model.configuration)
    _ = try model.forward([([1], state)])
    return state.byteCount
  }

  @Test("it refuses more prompts than the machine has memory for before it runs any")
  func tooManyPrompts() throws {
    let model = try ForwardModel.tiny.load()
    let memory = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    let fitting = try memory / block(model)
    let needed = try (fitting + 1) * block(model)
    #expect(
      throws: LlamaError.exceedsMemory(
        purpose: "the keys and values of the sequences", byteCount: needed, available: memory)
    ) {
      try model.generate([[Int]](repeating: [1], count: fitting + 1))
    }
  }

  // MARK: Unusual logits

  /// The first element of a row of a matrix with rows of 8.
  private func set(_ value: Float, inRow row: Int, of name: String, _ tiny: inout TinyModel) {
    tiny.tensors[name]?.bytes.replaceSubrange(
      row * 32..<row * 32 + 4, with: withUnsafeBytes(of: value.bitPattern, Array.init))
  }

  @Test("NaN among the logits ends it with an error that names the place", arguments: [0, 1])
  func notANumber(ngram: Int) throws {
    var tiny = TinyModel()
    for row in [7, 9] { set(.nan, inRow: row, of: "lm_head.weight", &tiny) }
    let model = try tiny.load()
    // With the blocked token, too: what else is chosen would not mean anything.
    let error = LlamaError.notANumber(prompt: 0, position: 2, id: 7)
    #expect(throws: error) {
      try model.generate([[1, 7, 9], [1]], options: options(3, ngram: ngram))
    }
    #expect(error.description.contains("prompt 0"))
    #expect(error.description.contains("position 2 hold NaN for token 7"))
    // Nothing is chosen, so nothing is refused.
    #expect(try model.generate([[1]], options: options(0))[0].newTokens.isEmpty)
    #expect(try model.logits(of: [1])[7].isNaN)
  }

  @Test("NaN in a later step leaves the tokens before it, and every step after it throws")
  func notANumberLater() throws {
    var tiny = TinyModel()
    let original = try tiny.load()
    // Prompts of which one comes to a token that is new to both.
    let found = try (0..<100).compactMap { seed -> (prompts: [[Int]], first: Int)? in
      let prompts = [
        original.tokens(1, seed: UInt64(seed)), original.tokens(2, seed: UInt64(seed)),
      ]
      let free = try original.generate(prompts, options: self.options(6))
      let known = Set(prompts.joined() + free[0].newTokens)
      let first = free[1].newTokens.firstIndex { !known.contains($0) }
      return first.map { (prompts, $0) }
    }.first { $0.first > 0 && $0.first < 5 }
    let (prompts, first) = try #require(found)
    let free = try original.generate(prompts, options: options(6))
    // The sequence that comes to this token reads NaN from there on.
    set(.nan, inRow: free[1].newTokens[first], of: "model.embed_tokens.weight", &tiny)
    let model = try tiny.load()
    let generation = try generation(model, prompts, options(6))
    for _ in 0...first { #expect(try generation.step().count == 2) }
    for _ in 0..<2 {
      #expect(throws: LlamaError.notANumber(prompt: 1, position: 2 + first, id: 0)) {
        try generation.step()
      }
    }
    // The other sequence has no token of the step that failed either.
    #expect(
      generation.results.map(\.newTokens) == free.map { Array($0.newTokens[...first]) })
    #expect(generation.results.allSatisfy { $0.finishReason == .cancelled })
  }

  @Test("infinite logits are compared like others, and of equal ones the lowest id is taken")
  func unusualLogits() throws {
    var tiny = TinyModel()
    let embedding = try #require(tiny.tensors["model.embed_tokens.weight"])
    for (row, value) in [(7, Float.infinity), (9, .infinity), (2, -.infinity), (4, -.infinity)] {
      set(value, inRow: row, of: "lm_head.weight", &tiny)
    }
    let infinite = try tiny.load()
    let logits = try infinite.logits(of: [1])
    let largest = logits[7] > 0 ? [7, 9] : [2, 4]
    #expect(largest.allSatisfy { logits[$0] == .infinity })
    #expect(
      try infinite.generate([[1]], options: options(1, ngram: 1))[0].newTokens == [largest[0]])
    let rest = try infinite.generate([[largest[0], 1]], options: options(1, ngram: 1))[0]
    let order = try infinite.logits(of: [largest[0], 1]).suffix(11).enumerated()
      .sorted { $0.element > $1.element || ($0.element == $1.element && $0.offset < $1.offset) }
    #expect(rest.newTokens == [order.first { ![largest[0], 1].contains($0.offset) }?.offset])
    // Every row of the head the same: all logits are equal.
    tiny.tensors["lm_head.weight"]?.bytes = (0..<11).flatMap { _ in Array(embedding.bytes[..<32]) }
    let flat = try tiny.load()
    #expect(try flat.generate([[5]], options: options(3))[0].newTokens == [0, 0, 0])
    #expect(try flat.generate([[5]], options: options(4, ngram: 1))[0].newTokens == [0, 1, 2, 3])
    // Once every id is blocked, the lowest is taken, as Transformers does.
    let all = try flat.generate([Array(0..<11)], options: options(2, ngram: 1))[0]
    #expect(all.newTokens == [0, 0])
  }
}
