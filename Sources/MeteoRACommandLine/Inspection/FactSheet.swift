import MeteoRA
import MeteoRASafetensors

/// What `inspect` prints for a person: what it is, problems first, then facts and a table.
struct FactSheet {
  private var lines: [String] = []

  /// - Parameters:
  ///   - kind: What the thing is, such as "bundle".
  ///   - path: Where it is.
  init(kind: String, path: String, problems: [MeteoRAError]) {
    addFact(kind, printable(path, limit: 1024))
    addFact("problems", problems.isEmpty ? "none" : "\(problems.count)")
    lines += ProblemLines.lines(of: problems).map { "  - \($0)" }
    lines.append("")
  }

  private static let labelWidth = 13

  /// A line of a label and what is to be said about it.
  mutating func addFact(_ label: String, _ fact: String) {
    let padding = max(1, Self.labelWidth - label.utf8.count)
    lines.append(label + String(repeating: " ", count: padding) + fact)
  }

  /// An empty line, and rows under each other.
  ///
  /// - Parameters:
  ///   - header: A text for every column.
  ///   - numeric: The columns of numbers.
  mutating func addTable(header: [String], numeric: Set<Int>, rows: [[String]]) {
    lines.append("")
    lines += TextTable.lines(header: header, numeric: numeric, rows: rows)
  }

  var text: String { lines.map { $0 + "\n" }.joined() }

  // MARK: Words

  /// What is said of a part with a problem.
  static let unknown = "not known (see above)"

  /// A number and what it counts, such as "1 tensor" or "2 tensors".
  static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }

  /// Bytes, and beyond a few thousand the same in larger units.
  static func size(_ bytes: Int) -> String {
    var value = Double(bytes)
    var unit = ""
    for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1024 {
      value /= 1024
      unit = next
    }
    let exact = count(bytes, "byte")
    if unit.isEmpty { return exact }
    let tenths = Int((value * 10).rounded())
    return "\(exact) (\(tenths / 10).\(tenths % 10) \(unit))"
  }

  /// Types, tensors, elements and bytes.
  static func totals(_ totals: TensorTotals) -> String {
    let types = totals.shares.map(\.dtype.name).joined(separator: ", ")
    return count(totals.tensors, "tensor") + (types.isEmpty ? "" : " of \(types)")
      + ", \(count(totals.elements, "element")), \(size(totals.bytes))"
  }

  /// Ascending numbers with ranges: `0-3, 7`.
  static func ranges(_ numbers: [Int]) -> String {
    var ranges: [(first: Int, last: Int)] = []
    for number in numbers {
      if let last = ranges.last?.last, number == last + 1 {
        ranges[ranges.count - 1].last = number
      } else {
        ranges.append((number, number))
      }
    }
    return ranges.map { $0 == $1 ? "\($0)" : "\($0)-\($1)" }.joined(separator: ", ")
  }

  /// Values between commas, or a word for none.
  static func list(_ values: [some CustomStringConvertible], none: String = "none") -> String {
    values.isEmpty ? none : values.map(\.description).joined(separator: ", ")
  }

  /// A number without the `.0` of a whole one.
  static func number(_ value: Double) -> String {
    Int(exactly: value).map { "\($0)" } ?? "\(value)"
  }
}
