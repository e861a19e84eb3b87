import Foundation
import MeteoRA
import MeteoRAEvaluation
import MeteoRASafetensors

/// What `eval --json` prints: what was run on what, and the results; nothing that differs between
/// runs with equal results.
struct EvaluationJSON {
  let request: ModelRequest
  let arguments: ParsedArguments
  let sets: [TestSet]
  let limit: Int?
  let modes: [EvaluationMode]
  let runs: [[TaskResult]]

  /// - Throws: `FileAccessError` for a file that cannot be read any more.
  func object() throws -> JSONOutput {
    let datasets = try Paths.folder(arguments.requiredPath(EvaluationOptions.datasets))
    return .object([
      ("version", .string(MeteoraTool.version)),
      ("model", .string(arguments.text(ModelOptions.model) ?? "")),
      ("files", try Self.digests(of: request.filesToRead, in: request.folder)),
      ("datasets", .string(arguments.text(EvaluationOptions.datasets) ?? "")),
      ("limit", limit.map { .integer($0) } ?? .null),
      ("add_bos", .bool(arguments.isGiven(EvaluationOptions.addBOS))),
      (
        "tasks",
        .array(
          try sets.map { set in
            .object([
              ("task", .string(set.task)), ("metric", .string(set.description.metric.rawValue)),
              ("max_new_tokens", .integer(set.description.maximumNewTokens)),
              ("samples", .integer(set.sampleCount)),
              ("files", try Self.digests(of: set.files, in: datasets)),
            ])
          })
      ),
      (
        "runs",
        .array(
          zip(modes, runs).map { mode, results in
            .object([
              ("mode", mode.json(router: request.files.router)),
              ("results", .array(results.map(\.json))),
              ("average", results.averageRate.map { .number($0) } ?? .null),
            ])
          })
      ),
    ])
  }

  /// The SHA-256 of files that are there, by their paths inside a folder, if they are.
  private static func digests(of files: [URL], in folder: URL) throws -> JSONOutput {
    let prefix = folder.path.hasSuffix("/") ? folder.path : folder.path + "/"
    var known: Set<[UInt8]> = []
    let distinct = files.filter {
      FileStatus.isThere($0) && known.insert(Array($0.path.utf8)).inserted
    }
    return .array(
      try distinct.map { file in
        let path = Array(file.path.utf8)
        let isInside = path.starts(with: prefix.utf8)
        return .object([
          (
            "path",
            .string(
              String(decoding: path.dropFirst(isInside ? prefix.utf8.count : 0), as: UTF8.self))
          ),
          ("sha256", .string(try SHA256.hexDigest(ofFile: file))),
        ])
      })
  }
}

extension EvaluationMode {
  /// For people.
  var label: String {
    switch self {
    case .labels: "labels"
    case .model(.noAdapters): "base"
    case .model(.singleAdapter(let name)): name
    case .model(.routedAmong): "routed"
    }
  }

  /// - Parameter router: That of the model; `nil` to leave it out.
  func json(router: RouterConfiguration? = nil) -> JSONOutput {
    switch self {
    case .labels: return .object([("kind", .string("labels"))])
    case .model(.noAdapters): return .object([("kind", .string("base"))])
    case .model(.singleAdapter(let name)):
      return .object([("kind", .string("adapter")), ("adapter", .string(name))])
    case .model(.routedAmong(let selection)):
      var members: [(key: String, value: JSONOutput)] = [("kind", .string("routed"))]
      if let router {
        members += [("top_k", .integer(router.topK)), ("temperature", .float(router.temperature))]
      }
      switch selection {
      case .all: break
      case .only(let names): members.append(("only", .array(names.map { .string($0) })))
      case .without(let names): members.append(("without", .array(names.map { .string($0) })))
      }
      return .object(members)
    }
  }
}

extension TaskResult {
  fileprivate var json: JSONOutput {
    .object([
      ("task", .string(task)), ("answers", accuracy.json), ("items", items?.json ?? .null),
    ])
  }
}

extension Accuracy {
  fileprivate var json: JSONOutput {
    .object([
      ("correct", .integer(correct)), ("count", .integer(count)), ("rate", .number(rate)),
      ("interval", .array([.number(interval.lowerBound), .number(interval.upperBound)])),
    ])
  }
}

extension ScoredAnswer {
  /// A line of `--save`.
  func json(of result: TaskResult) -> JSONOutput {
    var members: [(key: String, value: JSONOutput)] = [
      ("mode", result.mode.json()), ("task", .string(result.task)), ("prompt", .string(prompt)),
      ("response", .string(response)), ("reference", .string(reference)),
      ("finish_reason", .string(finishReason.rawValue)), ("score", .number(score)),
    ]
    if !items.isEmpty { members.append(("items", .array(items.map { .bool($0) }))) }
    return .object(members)
  }
}
