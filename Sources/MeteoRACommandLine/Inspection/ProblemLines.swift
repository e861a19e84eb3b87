import MeteoRA
import MeteoRASafetensors

/// The problems of an inspection as a person reads them: a wrong number in a configuration makes
/// one of every tensor, so of those that are alike the first few are shown and the others counted.
enum ProblemLines {
  /// Problems that are alike stand together, where the first of them is.
  static func lines(of problems: [MeteoRAError]) -> [String] {
    var groups: [(kind: ProblemKind?, problems: [MeteoRAError])] = []
    var places: [ProblemKind: Int] = [:]
    for problem in problems {
      let kind = ProblemKind(problem)
      if let kind, let place = places[kind] {
        groups[place].problems.append(problem)
      } else {
        if let kind { places[kind] = groups.count }
        groups.append((kind, [problem]))
      }
    }
    let mostAlike = 3
    let most = 20
    var lines: [String] = []
    var told = 0
    for (kind, alike) in groups where lines.count < most {
      // A line that counts one problem could as well be that problem.
      let isCut = alike.count > mostAlike + 1
      let shown = alike.prefix(min(isCut ? mostAlike : alike.count, most - lines.count))
      lines += shown.map { "\($0)" }
      told += shown.count
      if let kind, isCut, shown.count == mostAlike {
        lines.append("… and \(alike.count - mostAlike) more \(kind.words)")
        told = told - mostAlike + alike.count
      }
    }
    if told < problems.count { lines.append("… and \(problems.count - told) more") }
    return lines
  }
}

/// What problems of many tensors of one file have in common.
private struct ProblemKind: Hashable {
  private enum Fault: String {
    case missing = "that are missing"
    case shape = "that have another shape"
    case unexpected = "that are not expected"
    case type = "that have another type"
    case notFinite = "that hold an infinity or NaN"
  }

  private let fault: Fault
  private let file: [UInt8]

  /// `nil` for a problem that stands for itself.
  init?(_ problem: MeteoRAError) {
    let place: String
    switch problem {
    case .safetensors(.tensorNotFound(let file, _)): (fault, place) = (.missing, file)
    case .safetensors(.shapeMismatch(let file, _, _, _)): (fault, place) = (.shape, file)
    case .llama(.unexpectedTensor(let file, _)), .unexpectedTensor(let file, _, _):
      (fault, place) = (.unexpected, file)
    case .llama(.weightType(let file, _, _)): (fault, place) = (.type, file)
    case .nonFiniteGate(let file, _, _): (fault, place) = (.notFinite, file)
    default: return nil
    }
    file = Array(place.utf8)
  }

  /// Such as "tensors of adapter_model.safetensors that are missing".
  var words: String {
    let name = file.split(separator: UInt8(ascii: "/")).last ?? []
    return "tensors of \(printable(name)) \(fault.rawValue)"
  }
}
