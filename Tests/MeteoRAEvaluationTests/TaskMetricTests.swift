import MeteoRAEvaluation
import Testing

@Suite("Metrics of tasks")
struct TaskMetricTests {
  @Test(
    "exact_case leaves out white space of ASCII at the ends, and nothing else",
    arguments: [
      ("DOG", "DOG"), ("DOG\n", "DOG"), (" \t\r\n\u{B}\u{C}DOG", "DOG\n"), ("", "\n"),
      ("a b", "a b "), ("é", " é"),
    ])
  func takes(answer: String, reference: String) {
    #expect(TaskMetric.exactCase.isCorrect(answer, reference: reference))
  }

  @Test(
    "exact_case tells other texts apart",
    arguments: [
      ("dog", "DOG"), ("a  b", "a b"), ("", "x"), ("x", ""), ("DOG.", "DOG"),
      // The same to a reader, but not the same bytes.
      ("e\u{301}", "\u{E9}"), ("x\u{A0}", "x"), ("x\u{2028}", "x"), ("x\u{0}", "x"),
    ])
  func refuses(answer: String, reference: String) {
    #expect(!TaskMetric.exactCase.isCorrect(answer, reference: reference))
  }
}
