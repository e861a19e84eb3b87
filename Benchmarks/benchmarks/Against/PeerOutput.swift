/// What a peer printed in one turn, as far as it belongs to the run.
struct PeerOutput {
  /// Lines to keep: the peer's versions, and rows of cases that ours ran too.
  private(set) var lines: [String] = []
  /// The rows among them.
  private(set) var rows: [ResultRow] = []
  /// What is no result, such as what a library says on its own.
  private(set) var remarks: [String] = []

  /// - Parameter ours: The rows of the same turn.
  /// - Throws: ``PeerError`` if there is a result that cannot be used, or no row at all to compare
  ///   with.
  init(_ printed: [String], besides ours: [ResultRow], command: String) throws(PeerError) {
    let names = Set(ours.map(\.name))
    var foreign: String?
    for line in printed {
      let result: ResultLine
      do throws(ResultLineError) {
        result = try ResultLine(line)
      } catch .noResult {
        remarks.append(line)
        continue
      } catch {
        throw .badLine(command: command, line: line, error)
      }
      switch result {
      case .peer: lines.append(line)
      case .row(let row):
        if row.implementation == ResultRow.ours { throw .ourName(command: command, row.name) }
        if names.contains(row.name) {
          lines.append(line)
          rows.append(row)
        } else {
          foreign = foreign ?? row.name
        }
      case .machine, .peak, .pair, .command: remarks.append(line)
      }
    }
    guard rows.isEmpty else { return }
    guard let own = ours.first else { throw .noRowOfOurs }
    if let foreign { throw .otherCases(command: command, found: foreign, expected: own.name) }
    throw .noRow(command: command, expected: own.name)
  }
}

/// A reason why there is nothing to compare with.
enum PeerError: Error, Equatable, CustomStringConvertible {
  case noRowOfOurs
  case noRow(command: String, expected: String)
  case otherCases(command: String, found: String, expected: String)
  case otherThreads(command: String, found: Int, expected: Int)
  case badLine(command: String, line: String, ResultLineError)
  case ourName(command: String, String)

  var description: String {
    switch self {
    case .noRowOfOurs: "this program measured no case, so there is nothing to compare with"
    case .noRow(let command, let expected):
      "'\(command)' printed no row, expected JSON lines of kind 'row' such as one of case "
        + "'\(expected)'"
    case .otherCases(let command, let found, let expected):
      "'\(command)' printed rows of other cases only, such as '\(found)', expected some such as "
        + "'\(expected)'"
    case .otherThreads(let command, let found, let expected):
      "'\(command)' printed rows of \(found) threads, expected \(expected)"
    case .badLine(let command, let line, let error):
      "'\(command)' printed a line that cannot be used, \(error): \(line.prefix(200))"
    case .ourName(let command, let name):
      "'\(command)' printed a row of '\(name)' whose implementation is '\(ResultRow.ours)', "
        + "expected another name"
    }
  }
}
