import MeteoRAEvaluation
import Testing

@Suite("Scores of composites")
struct CompositeScoreTests {
  private static let references = ["DOG", "cba", "7 1"].map {
    CompositeScore.Reference($0, metric: .exactCase)
  }

  struct Example: Sendable {
    let answer: String
    let isAnswered: [Bool]
    let isCorrect: [Bool]
  }

  static let examples = [
    Example(
      answer: "1. DOG\n2. cba\n3. 7 1\n", isAnswered: [true, true, true],
      isCorrect: [true, true, true]),
    Example(
      answer: "1. dog\n2. cba \r\n3. 71", isAnswered: [true, true, true],
      isCorrect: [false, true, false]),
    Example(
      answer: "3. 7 1\n1. DOG\n4. cba\n", isAnswered: [true, false, true],
      isCorrect: [true, false, true]),
    Example(
      answer: "1. cat\n1. DOG\n2.\nDOG\n", isAnswered: [true, true, false],
      isCorrect: [false, false, false]),
    Example(
      answer: "DOG\ncba\n7 1\n", isAnswered: [false, false, false],
      isCorrect: [false, false, false]),
    Example(answer: "", isAnswered: [false, false, false], isCorrect: [false, false, false]),
  ]

  @Test("every item counts by itself", arguments: examples)
  func scores(example: Example) {
    let score = CompositeScore(example.answer, references: Self.references)
    #expect(score.isAnswered == example.isAnswered)
    #expect(score.isCorrect == example.isCorrect)
  }

  @Test("an empty answer can be right, a missing one cannot")
  func emptyAnswers() {
    let references = [CompositeScore.Reference("", metric: .exactCase)]
    #expect(CompositeScore("1. \n", references: references).isCorrect == [true])
    #expect(CompositeScore("\n", references: references).isCorrect == [false])
  }
}
