import Foundation

/// One line of JSON of a run.
enum ResultLine {
  case machine(Machine)
  case peak(MachinePeak)
  case row(ResultRow)
  case pair(PairedRow)
  case peer(PeerVersions)
  case command(RunCommand)

  private struct Kind: Decodable {
    var kind: String
  }

  fileprivate static let kinds = "command, machine, peak, peer, row, pair"

  /// - Throws: ``ResultLineError`` if it is none, or holds what cannot be measured.
  init(_ line: String) throws(ResultLineError) {
    let data = Data(line.utf8)
    guard let kind = try? Self.decoder.decode(Kind.self, from: data).kind else {
      throw .noResult
    }
    self =
      switch kind {
      case "machine": .machine(try Self.decode(data, kind))
      case "peak": .peak(try Self.decode(data, kind))
      case "row": .row(try Self.decode(data, kind))
      case "pair": .pair(try Self.decode(data, kind))
      case "peer": .peer(try Self.decode(data, kind))
      case "command": .command(try Self.decode(data, kind))
      default: throw .unknownKind(kind)
      }
    try requireMeasurable()
  }

  private static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }

  private static func decode<Value: Decodable>(
    _ data: Data, _ kind: String
  ) throws(ResultLineError) -> Value {
    do {
      return try decoder.decode(Value.self, from: data)
    } catch let error as DecodingError {
      switch error {
      case .keyNotFound(let key, _): throw .missing(kind: kind, field: snakeCase(key.stringValue))
      case .typeMismatch(_, let context), .valueNotFound(_, let context),
        .dataCorrupted(let context):
        let field = context.codingPath.first?.stringValue ?? "kind"
        throw .wrong(kind: kind, field: snakeCase(field), expected: "a value of its type")
      @unknown default: throw .noResult
      }
    } catch {
      throw .noResult
    }
  }

  /// As the encoder writes it.
  private static func snakeCase(_ name: String) -> String {
    name.unicodeScalars.reduce(into: "") { text, scalar in
      text += scalar.properties.isUppercase ? "_\(scalar.properties.lowercaseMapping)" : "\(scalar)"
    }
  }

  /// Throws unless times are above zero, and nothing is below it.
  private func requireMeasurable() throws(ResultLineError) {
    let times: [(String, Double)]
    let others: [(String, Double?)]
    let kind: String
    switch self {
    case .row(let row):
      kind = "row"
      times = [
        ("threads", Double(row.threads)), ("median_ms", row.medianMs),
        ("samples", Double(row.samples)),
      ]
      others = [
        ("spread_ms", row.spreadMs), ("gflops", row.gflops),
        ("gigabytes_per_second", row.gigabytesPerSecond),
        ("tokens_per_second", row.tokensPerSecond), ("roofline_ms", row.rooflineMs),
        ("extra_megabytes", row.extraMegabytes), ("peak_megabytes", row.peakMegabytes),
        ("weight_megabytes", row.weightMegabytes),
      ]
    case .pair(let pair):
      kind = "pair"
      times = [
        ("threads", Double(pair.threads)), ("turn", Double(pair.turn)), ("ours_ms", pair.oursMs),
        ("peer_ms", pair.peerMs), ("ratio", pair.ratio),
      ]
      others = []
    case .peak(let peak):
      kind = "peak"
      times = [
        ("threads", Double(peak.threads)), ("gflops", peak.gflops),
        ("gigabytes_per_second", peak.gigabytesPerSecond),
      ]
      others = [("load", peak.load), ("cores_of_others", peak.coresOfOthers)]
    case .machine, .peer, .command: return
    }
    for (field, value) in times where !(value > 0 && value.isFinite) {
      throw .wrong(kind: kind, field: field, expected: "a number above 0")
    }
    for case (let field, let value?) in others where !(value >= 0 && value.isFinite) {
      throw .wrong(kind: kind, field: field, expected: "a number that is not negative")
    }
  }
}

/// A reason why a line is no result.
enum ResultLineError: Error, Equatable, CustomStringConvertible {
  case noResult
  case unknownKind(String)
  case missing(kind: String, field: String)
  case wrong(kind: String, field: String, expected: String)

  var description: String {
    switch self {
    case .noResult: "no JSON object with a text 'kind'"
    case .unknownKind(let kind): "kind is '\(kind)', expected one of \(ResultLine.kinds)"
    case .missing(let kind, let field): "the \(kind) has no field '\(field)'"
    case .wrong(let kind, let field, let expected):
      "the \(kind)'s field '\(field)' is not \(expected)"
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
