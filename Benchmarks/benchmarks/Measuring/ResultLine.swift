import Foundation

/// One line of JSON of a run.
enum ResultLine {
  case machine(Machine)
  case peak(MachinePeak)
  case row(ResultRow)
  case pair(PairedRow)
  case peer(PeerVersions)
  case command(RunCommand)
  /// Something else, such as what a library printed on its own.
  case other

  private struct Kind: Decodable {
    var kind: String
  }

  init(_ line: String) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let data = Data(line.utf8)
    func decode<Value: Decodable>(_ wrap: (Value) -> ResultLine) -> ResultLine {
      (try? decoder.decode(Value.self, from: data)).map(wrap) ?? .other
    }
    self =
      switch (try? decoder.decode(Kind.self, from: data))?.kind {
      case "machine": decode(ResultLine.machine)
      case "peak": decode(ResultLine.peak)
      case "row": decode(ResultLine.row)
      case "pair": decode(ResultLine.pair)
      case "peer": decode(ResultLine.peer)
      case "command": decode(ResultLine.command)
      default: .other
      }
  }
}

/// What a peer says of itself before its rows.
struct PeerVersions: Codable, Equatable {
  var kind = "peer"
  /// Such as "torch 2.13.0+cpu".
  var versions: [String]
  /// How it was run, where that matters.
  var settings: String?
}
