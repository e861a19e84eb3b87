import MeteoRALlama
import MeteoRATestSupport
import Testing

@testable import MeteoRA

@Suite("Generation with adapters")
struct MeteoRAGenerationTests {
  private func options(_ maximumNewTokens: Int) -> GenerationOptions {
    var options = GenerationOptions()
    options.maximumNewTokens = maximumNewTokens
    options.endOfSequence = []
    return options
  }

  private let modes: [MeteoRAModel.Mode] = [.routed, .noAdapters, .singleAdapter("second")]

  @Test("each token is the largest logit after those before, in every mode")
  func agreesWithLogits() throws {
    let model = try TinyBundle().load()
    for mode in modes {
      var tokens = [3, 1, 4]
      for _ in 0..<6 {
        let logits = Array(try model.logits(of: tokens, mode: mode).suffix(11))
        tokens.append(try #require(logits.indices.max { logits[$0] < logits[$1] }))
      }
      let result = try model.generate([[3, 1, 4]], mode: mode, options: options(6))
      #expect(result[0].newTokens == Array(tokens[3...]))
    }
  }

  @Test("several prompts are continued as each one alone", arguments: RoutedModel.allCases)
  func batches(kind: RoutedModel) throws {
    let model = try kind.load()
    let prompts = [4, 1, 20].map { model.tokens($0, seed: UInt64($0)) }
    let alone = try prompts.map { try model.generate([$0], options: options(6))[0] }
    #expect(try model.generate(prompts, options: options(6)) == alone)
  }

  @Test("every token is reported, and the first refusal stops after its step")
  func reports() throws {
    let model = try TinyBundle().load()
    let prompts = [[1, 2], [3], [4, 5, 6]]
    var seen: [[Int]] = [[], [], []]
    let all = try model.generate(prompts, options: options(4)) { token in
      seen[token.sequence].append(token.id)
      return true
    }
    #expect(seen == all.map(\.newTokens))
    #expect(all.allSatisfy { $0.finishReason == .length })
    for stop in 0..<12 {
      seen = [[], [], []]
      var count = 0
      let results = try model.generate(prompts, options: options(4)) { token in
        seen[token.sequence].append(token.id)
        count += 1
        return count <= stop
      }
      let steps = stop / 3 + 1
      #expect(seen == results.map(\.newTokens))
      #expect(seen == all.map { Array($0.newTokens[..<steps]) })
      #expect(results.allSatisfy { $0.finishReason == (steps == 4 ? .length : .cancelled) })
    }
  }

  @Test("it refuses prompts that cannot be run, before any token")
  func refusals() throws {
    let model = try TinyBundle().load()
    for (prompts, error) in [
      ([[1], []], LlamaError.emptyPrompt(index: 1)),
      ([[1, -1]], .tokenOutOfRange(id: -1, position: 1, vocabularySize: 11)),
      ([[Int](repeating: 1, count: 641)], .promptTooLong(index: 0, count: 641, maximum: 640)),
    ] {
      #expect(throws: MeteoRAError.llama(error)) {
        try model.generate(prompts) { _ in
          Issue.record("a token")
          return true
        }
      }
    }
    #expect(try model.generate([]).isEmpty)
  }

  @Test("NaN among the logits is refused in every mode, and the tokens before it stay")
  func notANumber() throws {
    var bundle = TinyBundle()
    let nan = withUnsafeBytes(of: Float.nan.bitPattern, Array.init)
    bundle.base.tensors["lm_head.weight"]?.bytes.replaceSubrange(3 * 32..<3 * 32 + 4, with: nan)
    let model = try bundle.load()
    for mode in [.routed, .singleAdapter("first"), .noAdapters] as [MeteoRAModel.Mode] {
      let generation = try model.generation(of: [[1, 2]], mode: mode, options: options(5))
      for _ in 0..<2 {
        #expect(throws: MeteoRAError.llama(.notANumber(prompt: 0, position: 1, id: 3))) {
          try generation.step()
        }
      }
      #expect(generation.results.map(\.newTokens) == [[]])
      #expect(generation.results.map(\.finishReason) == [.cancelled])
    }
  }

  @Test("the keys and values of a sequence are given back, unless its routing is recorded")
  func givesBackCaches() throws {
    let model = try TinyBundle().load()
    let free = try model.generation(of: [[1, 2]], options: options(2))
    let recorded = try model.generation(of: [[1, 2]], options: options(2), recordsRouting: true)
    #expect(free.cacheByteCount == 0 && recorded.cacheByteCount == 0)
    _ = try free.step()
    #expect(free.cacheByteCount > 0)
    _ = try free.step()
    while try recorded.step() != nil {}
    #expect(free.cacheByteCount == 0 && recorded.cacheByteCount > 0)
    try recorded.runLastTokens()
    #expect(recorded.cacheByteCount == 0)
    #expect(recorded.routing(of: 0).count == 4)
    #expect(free.results == recorded.results)
  }

  @Test("it can be stopped before every pass, also inside a long prompt")
  func stopsBetweenPasses() throws {
    let model = try TinyBundle().load()
    // Passes of the first step: the begin of the long prompt, its rest with the short one.
    let prompts = [model.tokens(600), [1, 2]]
    for asked in 0..<6 {
      let generation = try model.generation(
        of: prompts, options: options(5), recordsRouting: true)
      var count = 0
      var steps = 0
      while let tokens = try generation.step(shouldStop: {
        count += 1
        return count > asked
      }) {
        #expect(tokens.count == 2)
        steps += 1
      }
      #expect(count == asked + 1)
      #expect(steps == max(0, asked - 1))
      #expect(generation.results.allSatisfy { $0.newTokens.count == steps })
      #expect(generation.results.allSatisfy { $0.finishReason == .cancelled })
      let known = generation.routing(of: 0).count
      #expect(known == [0, 512, 600, 601, 602, 603][asked])
      #expect(try generation.step() == nil)
      try generation.runLastTokens { true }
      #expect(generation.routing(of: 0).count == known)
      #expect(generation.cacheByteCount == 0)
    }
    let free = try model.generation(of: prompts, options: options(5))
    #expect(try free.step(shouldStop: { true }) == nil)
    #expect(free.cacheByteCount == 0)
  }

  @Test("the last tokens can be run in any state, which ends it")
  func lastTokens() throws {
    let model = try TinyBundle().load()
    let generation = try model.generation(of: [[1, 2]], options: options(5), recordsRouting: true)
    _ = try generation.step()
    try generation.runLastTokens()
    #expect(generation.routing(of: 0).count == 3)
    #expect(try generation.step() == nil)
    #expect(generation.results[0].finishReason == .cancelled)
  }
}

@Suite("Tokens as an asynchronous sequence")
struct TokenSequenceTests {
  private func options(_ maximumNewTokens: Int) -> GenerationOptions {
    var options = GenerationOptions()
    options.maximumNewTokens = maximumNewTokens
    options.endOfSequence = []
    return options
  }

  @Test("it gives the tokens of the steps, in order, as often as it is asked")
  func equalsSteps() async throws {
    let model = try TinyBundle().load()
    let prompts = [[1, 2, 3], [4]]
    let generation = try model.generation(of: prompts, options: options(5))
    var expected: [GeneratedToken] = []
    while let tokens = try generation.step() { expected += tokens }
    let sequence = model.tokens(continuing: prompts, options: options(5))
    for _ in 0..<2 {
      var tokens: [GeneratedToken] = []
      for try await token in sequence { tokens.append(token) }
      #expect(tokens == expected)
    }
    #expect(expected.count == 10)
  }

  @Test("it ends, and stays ended")
  func staysEnded() async throws {
    let model = try TinyBundle().load()
    var iterator = model.tokens(continuing: [[1]], options: options(1)).makeAsyncIterator()
    #expect(try await iterator.next() != nil)
    #expect(try await iterator.next() == nil)
    #expect(try await iterator.next() == nil)
    var empty = model.tokens(continuing: []).makeAsyncIterator()
    #expect(try await empty.next() == nil)
  }

  @Test("it throws once, and then has ended")
  func throwsOnce() async throws {
    let model = try TinyBundle().load()
    for (prompts, mode) in [
      ([[11]], nil), ([[1]], .singleAdapter("x")),
    ] as [([[Int]], MeteoRAModel.Mode?)] {
      var iterator = model.tokens(continuing: prompts, mode: mode).makeAsyncIterator()
      await #expect(throws: MeteoRAError.self) { try await iterator.next() }
      #expect(try await iterator.next() == nil)
    }
  }

  @Test("cancelling the task ends it after the token under way")
  func cancellation() async throws {
    let model = try TinyBundle().load()
    let sequence = model.tokens(continuing: [[1], [2]], options: options(600))
    let task = Task {
      var count = 0
      for try await _ in sequence {
        count += 1
        if count == 7 { withUnsafeCurrentTask { $0?.cancel() } }
      }
      return count
    }
    #expect(try await task.value == 7)
    let cancelled = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      var iterator = sequence.makeAsyncIterator()
      return try await iterator.next()
    }
    #expect(try await cancelled.value == nil)
  }
}
