import Testing

@testable import TinyTasks

/// The first byte of SHA-256 was printed with `sha256sum`.
@Suite("Split of training and tests")
struct TinySplitTests {
  @Test(
    "an argument is held out if its digest begins with a byte below 32",
    arguments: [
      ("551", .heldOut), ("286", .heldOut), ("ebu", .heldOut), ("aza", .heldOut),
      ("311", .training), ("hello", .training), ("31 87 45", .training), ("12.05 m", .training),
      ("205", .training),
    ] as [(String, TinySplit)])
  func knownSides(argument: String, split: TinySplit) {
    #expect(TinySplit(of: argument) == split)
  }

  @Test("one argument of eight is held out, of each kind enough for the tests")
  func share() {
    let numbers = (100...9999).filter { TinySplit(of: "\($0)") == .heldOut }.count
    #expect((TestRequests.most...1400).contains(numbers))
    let lengths = (100...9999).filter { number in
      let decimals = number % 100
      let text = "\(number / 100).\(decimals < 10 ? "0" : "")\(decimals) m"
      return TinySplit(of: text) == .heldOut
    }.count
    #expect((TestRequests.most...1400).contains(lengths))
  }
}
