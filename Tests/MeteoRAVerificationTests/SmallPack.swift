import Foundation
import MeteoRASafetensors
import MeteoRAVerification

/// A pack of few tensors in a temporary folder, which is removed with it.
///
/// It begins as one case of `softmax` that is kept: `x` [2, 2] of equal elements, `y` of halves.
final class SmallPack {
  let folder: URL
  var version = "1"
  var flags = #"{"exact":"Every sum is exact."}"#
  /// The members of the case, as JSON.
  var members: [(name: String, json: String)] = [
    ("id", #""area/case""#), ("comment", #""One sentence.""#), ("operation", #""softmax""#),
    ("parameters", "{}"), ("flags", #"["exact"]"#), ("result", #""valid""#), ("check", #""bits""#),
    ("origin", #""oracle""#), ("source", #"{"script":"none"}"#),
    ("inputs", "{\(SmallPack.reference("x", "F32", [2, 2]))}"),
    ("outputs", "{\(SmallPack.reference("y", "F32", [2, 2]))}"), ("sha256", "{}"),
  ]
  /// The tensors of the pack's one file.
  var tensors: [(name: String, shape: [Int], values: Values)] = [
    ("x", [2, 2], .float32([3, 3, -1, -1])), ("y", [2, 2], .float32([0.5, 0.5, 0.5, 0.5])),
  ]

  enum Values {
    case float32([Float])
    case float64([Double])
    case int64([Int64])
  }

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("meteora-pack-\(UUID().uuidString)", isDirectory: true)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
  }

  /// A member of `inputs` or `outputs`.
  static func reference(_ name: String, _ dtype: String, _ shape: [Int]) -> String {
    #""\#(name)":{"file":"t.safetensors","tensor":"\#(name)","dtype":"\#(dtype)","shape":\#(shape)}"#
  }

  /// Replaces a member of the case, adds it, or removes it if `json` is `nil`.
  func set(_ name: String, _ json: String?) {
    let index = members.firstIndex { $0.name == name } ?? members.count
    if index < members.count { members.remove(at: index) }
    if let json { members.insert((name, json), at: index) }
  }

  /// Replaces a tensor of the file.
  func set(_ name: String, _ shape: [Int], _ values: Values) {
    tensors.removeAll { $0.name == name }
    tensors.append((name, shape, values))
  }

  var caseText: String {
    "{" + members.map { "\"\($0.name)\":\($0.json)" }.joined(separator: ",") + "}"
  }

  var manifestText: String { #"{"version":\#(version),"flags":\#(flags),"cases":[\#(caseText)]}"# }

  func writeManifest(_ text: String? = nil) throws {
    try (text ?? manifestText).write(
      to: folder.appendingPathComponent("manifest.json"), atomically: true, encoding: .utf8)
  }

  /// Writes tensors to a file of the folder.
  @discardableResult
  func writeTensors(
    _ name: String = "t.safetensors",
    _ tensors: [(name: String, shape: [Int], values: Values)]? = nil
  ) throws -> URL {
    let tensors = tensors ?? self.tensors
    let url = folder.appendingPathComponent(name)
    let writer = try SafetensorsWriter(
      to: url,
      tensors: tensors.map { tensor in
        let dtype: SafetensorsDType =
          switch tensor.values {
          case .float32: .f32
          case .float64: .f64
          case .int64: .i64
          }
        return .init(tensor.name, dtype, tensor.shape)
      })
    for tensor in tensors {
      switch tensor.values {
      case .float32(let values): try writer.append(values, to: tensor.name)
      case .float64(let values): try writer.append(values, to: tensor.name)
      case .int64(let values): try writer.append(values, to: tensor.name)
      }
    }
    try writer.finish()
    return url
  }

  func open() throws -> Verification {
    try writeManifest()
    try writeTensors()
    return try Verification(pack: folder)
  }

  /// The report of the one case.
  func run() throws -> CaseReport {
    let report = try open().run()
    return report.cases[0]
  }
}
