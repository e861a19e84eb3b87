import MeteoRATraining
import Testing

@testable import MeteoRAEvaluation

@Suite("Labels of an answer that is being written")
struct AnswerLabelsTests {
  /// `1. ab⏎2. c⏎` behind a prompt of four bytes, the items of adapters 3 and 5.
  private let composite = SampleText(
    prompt: Array("ask\n".utf8), response: Array("1. ab\n2. c\n".utf8),
    spans: [
      AdapterSpan(adapter: 7, bytes: 0..<4), AdapterSpan(adapter: 3, bytes: 7..<10),
      AdapterSpan(adapter: 5, bytes: 13..<15),
    ])

  /// The label before each byte of a text, and behind it.
  private func labels(of text: String, adapter: Int? = nil) -> [Int?] {
    var labels = AnswerLabels(of: composite, adapter: adapter)
    return [labels.next]
      + text.utf8.map { byte in
        labels.append(String(decoding: [byte], as: UTF8.self))
        return labels.next
      }
  }

  @Test("where the answer is as expected they are those of its spans")
  func expected() {
    #expect(labels(of: "1. ab\n2. c\n") == [nil, nil, nil, 3, 3, 3, nil, nil, nil, 5, 5, 5])
    #expect(labels(of: "1. a", adapter: 1) == [1, 1, 1, 3, 3])
  }

  @Test("every line has its own, however long the lines before it are")
  func otherLengths() {
    #expect(labels(of: "1. abcd\n2. ") == [nil, nil, nil, 3, 3, 3, 3, 3, nil, nil, nil, 5])
    #expect(labels(of: "1.\n2. c") == [nil, nil, nil, nil, nil, nil, 5, 5])
    #expect(labels(of: "1. ab\n2. c\n3. x").suffix(5) == [5, 5, 5, 5, 5])
  }

  @Test("pieces of any length lead to the same places")
  func pieces() {
    var labels = AnswerLabels(of: composite, adapter: nil)
    labels.append("1. ab\n2. ")
    #expect(labels.next == 5)
    labels.append("")
    #expect(labels.next == 5)
  }

  @Test("without spans all is the task's, also of an answer that is expected to be empty")
  func withoutSpans() {
    for response in ["", "abc", "a\n"] {
      var labels = AnswerLabels(
        of: SampleText(prompt: [], response: Array(response.utf8)), adapter: 2)
      #expect(labels.next == 2)
      labels.append("x\ny")
      #expect(labels.next == 2)
    }
  }
}
