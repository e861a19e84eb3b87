import MeteoRAKernels
import Testing

@Suite("Routing among some of the adapters")
struct AllowedRoutingTests {
  private static let count = 9

  private func logits(_ tokens: Int) -> [Float] {
    var random = SeededRandom(tokens)
    var logits = random.floats(tokens * Self.count)
    // Ties, signed zeros and what ranks above everything.
    for place in stride(from: 0, to: logits.count, by: 4) { logits[place] = 0.5 }
    for place in stride(from: 1, to: logits.count, by: 7) { logits[place] = -0.0 }
    for place in stride(from: 2, to: logits.count, by: 11) { logits[place] = .nan }
    for place in stride(from: 5, to: logits.count, by: 13) { logits[place] = .infinity }
    return logits
  }

  private func route(_ tokens: Int, topK: Int, among allowed: [Int]) throws -> Routing {
    try Routing(
      logits: logits(tokens), tokens: tokens, adapterCount: Self.count, topK: topK,
      temperature: 1.5, among: allowed)
  }

  @Test(
    "it is that of a gate with the allowed rows alone",
    arguments: [[0], [8], [3, 4], [0, 2, 8], [1, 2, 5, 6, 7], [0, 1, 2, 3, 4, 5, 6, 7]])
  func equalsFewerRows(allowed: [Int]) throws {
    let tokens = 40
    let logits = logits(tokens)
    let fewer = (0..<tokens).flatMap { token in allowed.map { logits[token * Self.count + $0] } }
    for topK in 1...allowed.count {
      let routing = try route(tokens, topK: topK, among: allowed)
      let expected = try Routing(
        logits: fewer, tokens: tokens, adapterCount: allowed.count, topK: topK, temperature: 1.5)
      #expect(routing.adapterCount == Self.count)
      #expect(routing.adapters.map(Int.init) == expected.adapters.map { allowed[Int($0)] })
      expectSameBits(routing.weights, expected.weights)
      for token in 0..<tokens {
        let ranked = routing.selected(token: token).map(\.adapter)
        #expect(ranked == expected.selected(token: token).map { allowed[$0.adapter] })
      }
    }
  }

  @Test("it is the routing without a mask if all are allowed", arguments: 1...9)
  func allAllowed(topK: Int) throws {
    let masked = try route(30, topK: topK, among: Array(0..<Self.count))
    let plain = try Routing(
      logits: logits(30), tokens: 30, adapterCount: Self.count, topK: topK, temperature: 1.5)
    #expect(masked.adapters == plain.adapters)
    expectSameBits(masked.weights, plain.weights)
  }

  @Test("it refuses indices that are not ascending or not there, or none")
  func refusesIndices() throws {
    for allowed in [
      [], [1, 1], [2, 1], [-1, 0], [0, 9], [.min], [.max], Array(repeating: 3, count: 20),
      Array(0..<20),
    ] {
      let error = try #require(throws: KernelError.self) {
        try route(2, topK: 1, among: allowed)
      }
      guard case .outOfRange("allowed adapters", _, _) = error else {
        Issue.record("\(allowed): \(error)")
        continue
      }
    }
  }

  @Test("it refuses more adapters a token than are allowed", arguments: [-1, 0, 3, 9, .max])
  func refusesTopK(topK: Int) throws {
    #expect(
      throws: KernelError.outOfRange(
        argument: "router top-k", actual: "\(topK)", allowed: "1...2 (the allowed adapters)")
    ) { try route(2, topK: topK, among: [3, 5]) }
  }

  @Test("it refuses what routing refuses")
  func refusesArguments() throws {
    func route(count: Int, temperature: Float) throws {
      _ = try Routing(
        logits: [Float](repeating: 0, count: count), tokens: 2, adapterCount: 3, topK: 1,
        temperature: temperature, among: [0, 2])
    }
    try route(count: 6, temperature: 1)
    for temperature in [0, -1, .nan, Float.infinity] {
      #expect(throws: KernelError.self) { try route(count: 6, temperature: temperature) }
    }
    for count in [0, 5, 7] {
      #expect(throws: KernelError.self) { try route(count: count, temperature: 1) }
    }
  }
}
