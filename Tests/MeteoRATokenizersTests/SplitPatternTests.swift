import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRATokenizers

@Suite("The patterns that cut text into words")
struct SplitPatternTests {
  @Test(
    "cut where the library's regular expressions cut",
    arguments: [
      ("gpt2", SplitPattern.gpt2), ("llama3", .llama3(longestNumber: 3)),
      ("qwen2", .llama3(longestNumber: 1)),
    ])
  func cut(name: String, pattern: SplitPattern) throws {
    let file = try GoldenTokenizer.folder("pieces.jsonl")
    let lines = try [UInt8](Data(contentsOf: file)).split(separator: UInt8(ascii: "\n"))
    #expect(lines.count > 400)
    for (number, line) in lines.enumerated() {
      let root = try JSONDocument(bytes: Array(line), source: "pieces.jsonl").root
      let text = try root.required("text").utf8Value()
      let lengths = try root.required(name).elementsValue().map { try $0.integerValue() }
      var ends: [Int] = []
      text.withUnsafeBufferPointer {
        pattern.appendEnds(of: 0..<text.count, in: $0, to: &ends)
      }
      #expect(zip(ends, [0] + ends).map { $0 - $1 } == lengths, "line \(number + 1)")
    }
  }

  @Test("cut a part of a text as if it were all of it")
  func cutParts() {
    let text = Array("x it's  \n".utf8)
    var ends: [Int] = []
    text.withUnsafeBufferPointer {
      SplitPattern.llama3(longestNumber: 3).appendEnds(of: 1..<5, in: $0, to: &ends)
    }
    // " it" and "'", whose "s" is beyond the part.
    #expect(ends == [4, 5])
    ends = []
    text.withUnsafeBufferPointer {
      SplitPattern.gpt2.appendEnds(of: 6..<8, in: $0, to: &ends)
    }
    #expect(ends == [8])
  }
}
