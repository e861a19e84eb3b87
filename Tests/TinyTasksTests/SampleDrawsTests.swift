import MeteoRAMath
import Testing

@testable import TinyTasks

@Suite("Random choices of samples")
struct SampleDrawsTests {
  private func numbers(_ file: String, _ line: Int, seed: UInt64) -> [Int] {
    var draws = SampleDraws.lines(of: file, seed: seed)(line)
    return (0..<4).map { _ in draws.number(below: 1_000_000) }
  }

  @Test("they are the numbers of the line, in the order of their indices")
  func areRandomDraws() {
    // FNV-1a of the bytes 01 00 00 00 00 00 00 00 and "a", worked out in Python.
    let source = RandomDraw(seed: 0x529A_4DDC_8FF5_6BBF, purpose: .content, epoch: 7)
    let expected = (0..<4).map { Int(source.number(below: 1_000_000, index: $0)) }
    #expect(numbers("a", 7, seed: 1) == expected)
  }

  @Test("seed, file and line each change them")
  func dependOnAll() {
    let all = [
      numbers("a", 0, seed: 0), numbers("a", 0, seed: 1), numbers("a", 0, seed: 1 << 56),
      numbers("b", 0, seed: 0), numbers("a", 1, seed: 0),
    ]
    #expect(Set(all).count == all.count)
  }

  @Test("distinct numbers are distinct, up to all that there are")
  func distinct() {
    var draws = SampleDraws.lines(of: "a", seed: 0)(0)
    #expect(draws.distinct(14, below: 14).sorted() == Array(0..<14))
    #expect(Set(draws.distinct(3, below: 90)).count == 3)
  }
}
