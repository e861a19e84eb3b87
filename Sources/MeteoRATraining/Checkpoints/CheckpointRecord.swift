import Foundation
import MeteoRASafetensors

// trainer_state.json:
//
//   {"format_version": 1, "step": 400, "samples": 12800,
//    "best": {"step": 300, "loss": 1.25},                 or null
//    "settings": {…}, "fingerprints": {name: SHA-256, …},
//    "sha256": {"weights.safetensors": …, "optimizer.safetensors": …, "trainer_state.json": …}}
//
// The file's own digest is taken with zeros in the place of its digits.

/// The file of a checkpoint that says what it is, and of what the other files are.
struct CheckpointRecord {
  var progress: TrainingProgress
  /// An object.
  var settings: JSONValue
  /// An object of digests by name.
  var fingerprints: JSONValue
  /// Of the files of tensors, by name.
  var digests: [String: String]

  static let fileName = "trainer_state.json"
  static let weightsFile = "weights.safetensors"
  static let optimiserFile = "optimizer.safetensors"
  private static let formatVersion = 1
  private static let noDigest = String(repeating: "0", count: 64)

  /// The content of the file.
  ///
  /// - Throws: ``JSONError`` if a name is given twice.
  static func bytes(
    _ progress: TrainingProgress, identity: TrainingIdentity, digests: [(file: String, String)]
  ) throws(JSONError) -> [UInt8] {
    let best = progress.best.map { best in
      JSONOutput.object([("step", .integer(best.step)), ("loss", .number(best.loss))])
    }
    let page = JSONOutput.object([
      ("format_version", .integer(formatVersion)), ("step", .integer(progress.step)),
      ("samples", .integer(progress.samples)), ("best", best ?? .null),
      ("settings", .object(identity.settings)),
      ("fingerprints", .object(identity.fingerprints.map { ($0.name, .string($0.sha256)) })),
      ("sha256", .object((digests + [(fileName, noDigest)]).map { ($0, .string($1)) })),
    ]).page
    let own = try JSONDocument(bytes: page, source: fileName).root
      .required("sha256").required(fileName)
    let digest = page.withUnsafeBytes(SHA256.hexDigest)
    guard let bytes = own.documentReplacing(by: .string(digest)) else {
      throw own.mismatch(expected: "a string")
    }
    return bytes
  }

  /// Reads the file of a checkpoint.
  ///
  /// - Throws: ``CheckpointError`` if it is damaged, of another version or no such file.
  init(contentsOf file: URL) throws(CheckpointError) {
    let root: JSONValue
    let version: Int
    do throws(JSONError) {
      root = try JSONDocument(contentsOf: file).root
      version = try root.required("format_version").integerValue()
    } catch {
      throw .json(error)
    }
    guard version == Self.formatVersion else {
      throw .version(file: file.path, found: version, supported: Self.formatVersion)
    }
    try Self.requireOwnDigest(root, file: file.path)
    do throws(JSONError) {
      try self.init(root)
    } catch {
      throw .json(error)
    }
  }

  private static func requireOwnDigest(
    _ root: JSONValue, file: String
  ) throws(CheckpointError) {
    let own: JSONValue
    let expected: String
    do throws(JSONError) {
      own = try root.required("sha256").required(fileName)
      expected = try own.stringValue()
    } catch {
      throw .json(error)
    }
    let zeroed = own.documentReplacing(by: .string(noDigest)) ?? []
    let actual = zeroed.withUnsafeBytes(SHA256.hexDigest)
    guard actual.utf8.elementsEqual(expected.utf8) else {
      throw .damaged(file: file, expected: expected, actual: actual)
    }
  }

  private init(_ root: JSONValue) throws(JSONError) {
    let numbers = 0...Int.max
    progress = TrainingProgress(
      step: try root.required("step").integerValue(in: numbers),
      samples: try root.required("samples").integerValue(in: numbers))
    if let best = try root.optional("best") {
      progress.best = .init(
        step: try best.required("step").integerValue(in: numbers),
        loss: try best.required("loss").doubleValue())
    }
    settings = try root.required("settings")
    _ = try settings.membersValue()
    fingerprints = try root.required("fingerprints")
    _ = try fingerprints.membersValue()
    let all = try root.required("sha256")
    digests = [:]
    for name in [Self.weightsFile, Self.optimiserFile] {
      digests[name] = try all.required(name).stringValue()
    }
  }
}
