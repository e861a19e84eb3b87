/// How a run was started.
struct RunCommand: Codable, Equatable {
  var kind = "command"
  /// As a shell takes it.
  var text: String

  init(_ arguments: some Sequence<String>) {
    text = (["swift run -c release benchmarks"] + arguments.map(Self.quoted))
      .joined(separator: " ")
  }

  /// The word as a shell reads it: between single quotes, unless no byte means anything there.
  private static func quoted(_ word: String) -> String {
    let plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%".utf8
    if !word.isEmpty, word.utf8.allSatisfy(plain.contains) { return word }
    let pieces = word.unicodeScalars.split(separator: "'", omittingEmptySubsequences: false)
    return "'" + pieces.map { String($0) }.joined(separator: #"'\''"#) + "'"
  }
}
