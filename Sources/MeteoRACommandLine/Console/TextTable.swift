/// Rows under each other; columns of numbers are aligned at their right.
enum TextTable {
  /// - Parameters:
  ///   - header: A text for every column.
  ///   - numeric: The columns of numbers.
  ///   - rows: As many texts each as the header has.
  static func lines(header: [String], numeric: Set<Int>, rows: [[String]]) -> [String] {
    let all = [header] + rows
    let widths = header.indices.map { column in all.map { width($0[column]) }.max() ?? 0 }
    return all.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - width(cell))
        let isLast = column == row.count - 1
        line += numeric.contains(column) ? padding + cell : cell + (isLast ? "" : padding)
        if !isLast { line += "  " }
      }
      return line
    }
  }

  /// Scalars, which for names and numbers is near enough to what a terminal shows.
  private static func width(_ text: String) -> Int { text.unicodeScalars.count }
}
