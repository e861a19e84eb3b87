import MeteoRASafetensors

/// Names in a message, of many only the first.
struct NameList: CustomStringConvertible {
  let description: String

  /// - Parameter remark: What is said behind a name.
  init(_ names: [String], most: Int = 20, remark: (String) -> String? = { _ in nil }) {
    let shown = names.prefix(most).map { name in
      "'\(printable(name, limit: 80))'" + (remark(name) ?? "")
    }
    let more = names.count - shown.count
    description =
      shown.isEmpty
      ? "none" : shown.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
  }
}
