import MeteoRAEvaluation
import MeteoRASafetensors

/// A share in percent, with one decimal.
func percent(_ rate: Double) -> String {
  let tenths = Int((rate * 1000).rounded())
  return "\(tenths / 10).\(tenths % 10)"
}

extension [TaskResult] {
  /// A row for each task, one more for the items of its composites, and the average.
  var table: String {
    var rows: [[String]] = []
    for result in self {
      rows.append(Self.row(printable(result.task, limit: 80), result.accuracy))
      if let items = result.items { rows.append(Self.row("  items", items)) }
    }
    var lines = TextTable.lines(
      header: ["task", "answers", "right", "%", "95 % interval"], numeric: [1, 2, 3, 4],
      rows: rows)
    let count = count { $0.items == nil }
    if count > 1, let average = averageRate {
      lines += ["", "average of \(count) tasks: \(percent(average)) %"]
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func row(_ name: String, _ accuracy: Accuracy) -> [String] {
    let (lower, upper) = (accuracy.interval.lowerBound, accuracy.interval.upperBound)
    return [
      name, "\(accuracy.count)", "\(accuracy.correct)", percent(accuracy.rate),
      "\(percent(lower))–\(percent(upper))",
    ]
  }
}
