import MeteoRATraining

/// To whom the tokens of an answer belong, while it is being written.
///
/// The label of a place is that of the same place of the answer that is expected: its n-th line, the
/// n-th byte in that. Behind the end of a line its last byte counts, behind the last line the last
/// byte of all. So where the answer is as expected its labels are those of training, and where it is
/// not every line still has the labels of its own.
struct AnswerLabels {
  /// By line of the expected answer, line feeds included, and byte: indices of adapters.
  private var lines: [[Int?]] = []
  /// The label of an answer that is expected to be empty.
  private let adapter: Int?
  private var line = 0
  private var offset = 0

  /// - Parameters:
  ///   - sample: With its spans.
  ///   - adapter: Of bytes outside of spans; `nil` for none.
  init(of sample: SampleText, adapter: Int?) {
    self.adapter = adapter
    var labels = [Int?](repeating: adapter, count: sample.response.count)
    let first = sample.prompt.count
    for span in sample.spans {
      for byte in span.bytes.clamped(to: first..<first + labels.count) {
        labels[byte - first] = span.adapter
      }
    }
    var current: [Int?] = []
    for (byte, label) in zip(sample.response, labels) {
      current.append(label)
      if byte == UInt8(ascii: "\n") {
        lines.append(current)
        current = []
      }
    }
    if !current.isEmpty { lines.append(current) }
  }

  /// The label of what comes next.
  var next: Int? {
    guard let last = lines.last else { return adapter }
    guard line < lines.count else { return last[last.count - 1] }
    return lines[line][min(offset, lines[line].count - 1)]
  }

  /// Takes the next piece of the answer.
  mutating func append(_ text: String) {
    for byte in text.utf8 {
      (line, offset) = byte == UInt8(ascii: "\n") ? (line + 1, 0) : (line, offset + 1)
    }
  }
}
