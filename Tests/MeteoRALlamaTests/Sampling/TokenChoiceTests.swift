import MeteoRATestSupport
import Testing

@testable import MeteoRALlama

@Suite("The choice of a token")
struct TokenChoiceTests {
  @Test(
    "it is the largest logit",
    arguments: [
      ([1, 3, 2], 1), ([3, 3, 3], 0), ([-0.0, 0.0], 0), ([0.0, -0.0], 0),
      ([2, 5, .infinity], 2), ([.infinity, .infinity], 0), ([-.infinity, -.infinity], 0),
      ([-.infinity, -1e38], 1), ([-5], 0), ([-5, -4], 1),
    ] as [([Float], Int)])
  func greedy(logits: [Float], expected: Int) {
    #expect(greedyChoice(logits) == expected)
    #expect(greedyChoice(([9] + logits).dropFirst()) == expected)
  }

  @Test("the block is what a search of all n-grams finds", arguments: 1...5, [1, 2, 4])
  func blocked(size: Int, vocabulary: Int) {
    var random = SeededRandom(seed: UInt64(size))
    for length in 0..<40 {
      let tokens = (0..<length).map { _ in random.next(below: vocabulary) }
      let expected = (0..<vocabulary).filter { id in
        let end = Array((tokens + [id]).suffix(size))
        guard tokens.count >= size, end.count == size else { return false }
        return (0...tokens.count - size).contains { Array(tokens[$0..<$0 + size]) == end }
      }
      #expect(blockedTokens(after: tokens, ngramSize: size) == Set(expected))
      #expect(blockedTokens(after: tokens, ngramSize: 0).isEmpty)
      #expect(blockedTokens(after: tokens, ngramSize: Int.max).isEmpty)
    }
  }
}
