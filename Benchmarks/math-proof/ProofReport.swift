import Foundation

/// What `--output` writes, for `Fixtures/oracle/judge_undecided.py`.
struct ProofReport: Encodable {
  private(set) var undecided: [Entry] = []
  private(set) var misrounded: [Entry] = []
  private(set) var hardest: [Entry] = []
  private(set) var samples: [Entry] = []

  /// One argument (two for pow) with our result, as hexadecimal bit patterns.
  struct Entry: Encodable {
    let function: String
    let x: String
    let y: String?
    let result: String

    init(_ record: Record) {
      func hexadecimal(_ value: Float) -> String {
        let digits = String(value.bitPattern, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
      }
      function = record.function
      x = hexadecimal(record.x)
      y = record.y.map(hexadecimal)
      result = hexadecimal(record.result)
    }
  }

  mutating func add(_ tally: Tally, samples: [Record]) {
    undecided += tally.undecided.map { Entry($0) }
    misrounded += tally.misrounded.map { Entry($0) }
    hardest += tally.hardest.map { Entry($0) }
    self.samples += samples.map { Entry($0) }
  }

  func write(to file: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    try encoder.encode(self).write(to: file, options: .atomic)
  }
}
