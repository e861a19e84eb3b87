import MeteoRAEvaluation
import Testing

@Suite("Composites")
struct CompositeSampleTests {
  static let dog = CompositeSample.Item(
    task: "uppercase", prompt: "Uppercase: dog\n\n", response: " DOG\n")
  static let abc = CompositeSample.Item(task: "reverse", prompt: "Reverse: abc", response: "cba")

  @Test("requests and answers are numbered lines, with a span for each line")
  func numbers() throws {
    let sample = try CompositeSample(numbering: [Self.dog, Self.abc])
    #expect(
      String(decoding: sample.line, as: UTF8.self)
        == #"{"prompt":"1. Uppercase: dog\n2. Reverse: abc\n","response":"1. DOG\n2. cba\n","#
        + #""spans":[{"task":"uppercase","start":3,"end":18},{"task":"reverse","start":21,"#
        + #""end":34},{"task":"uppercase","start":37,"end":41},{"task":"reverse","start":44,"#
        + #""end":48}]}"#)
  }

  @Test("spans spell the lines without their numbers; numbers and ending are nobody's")
  func spansSpell() throws {
    let items = [
      Self.dog, CompositeSample.Item(task: "é", prompt: "字: é\t😀", response: ""), Self.abc,
    ]
    let sample = try CompositeSample(numbering: items, ending: "\n\u{E9}?")
    let text = Array((sample.prompt + sample.response).utf8)
    let parts = sample.spans.map { String(decoding: text[$0.bytes], as: UTF8.self) }
    #expect(
      parts == [
        "Uppercase: dog\n", "字: é\t😀\n", "Reverse: abc\n", "DOG\n", "\n", "cba\n",
      ])
    #expect(sample.spans.map(\.task) == ["uppercase", "é", "reverse", "uppercase", "é", "reverse"])
    var owned = [Bool](repeating: false, count: text.count)
    for span in sample.spans { for byte in span.bytes { owned[byte] = true } }
    let rest = text.indices.filter { !owned[$0] }.map { text[$0] }
    #expect(String(decoding: rest, as: UTF8.self) == "1. 2. 3. \n\u{E9}?1. 2. 3. ")
    #expect(Array(sample.prompt.utf8.suffix(4)) == Array("\n\u{E9}?".utf8))
  }

  @Test("more than nine items have longer numbers")
  func manyItems() throws {
    let sample = try CompositeSample(numbering: Array(repeating: Self.abc, count: 12))
    #expect(NumberedItems(sample.response).numbers == Array(1...12))
    #expect(NumberedItems(sample.prompt)[12] == "Reverse: abc")
  }

  @Test("no item, or one of several lines, is refused")
  func refuses() throws {
    let none = #expect(throws: CompositeError.self) { try CompositeSample(numbering: []) }
    #expect(none?.description == "a composite has no item, expected at least one")
    let long = CompositeSample.Item(task: "t", prompt: "a", response: "b\nc")
    let error = #expect(throws: CompositeError.self) {
      try CompositeSample(numbering: [Self.abc, long])
    }
    #expect(error == .severalLines(number: 2, task: "t", part: "response"))
    #expect(
      error?.description == "the response of item 2, of the task 't', has several lines, expected "
        + "one for an item that is numbered")
    let request = CompositeSample.Item(task: "t", prompt: "\na\n\nb", response: "c")
    #expect(throws: CompositeError.severalLines(number: 1, task: "t", part: "prompt")) {
      try CompositeSample(numbering: [request])
    }
  }
}
