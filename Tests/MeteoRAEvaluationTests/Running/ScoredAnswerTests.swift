import MeteoRATraining
import Testing

@testable import MeteoRAEvaluation

@Suite("Scored answers")
struct ScoredAnswerTests {
  private func answer(
    _ response: String, to reference: String, hasSpans: Bool = true
  ) -> ScoredAnswer {
    ScoredAnswer(
      response, finishReason: .length,
      to: SampleText(prompt: [], response: Array(reference.utf8), hasSpans: hasSpans),
      metric: .exactCase)
  }

  @Test("of a composite every item counts by itself")
  func items() {
    let reference = "1. DOG\n2. cba\n3. 7\n"
    let some = answer("1. DOG\n2. abc\n3. 7 \n", to: reference)
    #expect(some.items == [true, false, true])
    #expect(some.score == 2.0 / 3)
    #expect(!some.isCorrect)
    let all = answer("1. DOG\n2. cba\n3. 7", to: reference)
    #expect(all.items == [true, true, true] && all.isCorrect && all.score == 1)
    let none = answer("", to: reference)
    #expect(none.items == [false, false, false] && none.score == 0)
  }

  @Test("items are those that are numbered from 1 on without a gap")
  func numbers() {
    #expect(answer("1. a\n3. c\n", to: "1. a\n3. c\n").items == [true])
    #expect(answer("2. a\n", to: "2. a\n").items == [])
    #expect(answer("a", to: "a").items == [])
    #expect(answer("a", to: "a").score == 1)
  }

  @Test("a sample without spans has no items, whatever its answer looks like")
  func lists() {
    let list = answer("1. a\n2. b\n", to: "1. a\n2. c\n", hasSpans: false)
    #expect(list.items == [] && list.score == 0)
  }
}

@Suite("Results of tasks")
struct TaskResultTests {
  @Test("composites count their items, and are left out of the average of tasks")
  func averages() throws {
    let model = try EvaluationExample.model()
    let example = try EvaluationExample()
    let spans = #"[{"task":"reverse","start":0,"end":2},{"task":"rhymes","start":5,"end":6}]"#
    try example.add(
      [
        #"{"prompt":"ab","response":"1. c\n2. d\n","spans":\#(spans)}"#,
        #"{"prompt":"ab","response":"1. c\n2. d\n3. e\n","spans":\#(spans)}"#,
      ], task: "mixed")
    try example.add([#"{"prompt":"ab","response":"c"}"#], task: "rhymes")
    let evaluator = try Evaluator(model)
    let results = try TestSet.all(of: ["rhymes", "mixed", "reverse"], in: example.folder.url).map {
      try evaluator.result(of: $0, mode: .model(.routed))
    }
    #expect(results.map(\.task) == ["rhymes", "mixed", "reverse"])
    #expect(results.map(\.items?.count) == [nil, 5, nil])
    #expect(results.map(\.accuracy.count) == [1, 2, 11])
    #expect(results.averageRate == 0)
    #expect(results[1...1].averageRate == nil)
  }
}
