/// How a run was started.
struct RunCommand: Codable, Equatable {
  var kind = "command"
  /// As a shell takes it.
  var text: String

  init(_ arguments: some Sequence<String>) {
    let words = arguments.map { $0.contains(" ") ? "'\($0)'" : $0 }
    text = (["swift run -c release benchmarks"] + words).joined(separator: " ")
  }
}
