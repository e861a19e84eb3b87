import Foundation
import MeteoRASafetensors

/// The list of a golden pack's cases: `manifest.json`, read strictly.
///
/// ```json
/// {"version":1, "flags":{"exact":"…"}, "cases":[{"id":"kernels/dot-1", …}, …]}
/// ```
public struct GoldenManifest: Sendable {
  /// The one version that is read.
  public static let version = 1
  static let fileName = "manifest.json"

  /// The folder that holds the manifest; every file of a case is inside.
  public let folder: URL
  /// What each flag of a case means.
  public let flags: [String: String]
  /// In the order of the manifest, at least one.
  public let cases: [GoldenCase]

  /// Reads the manifest of a pack.
  ///
  /// - Parameter folder: The pack's folder.
  /// - Throws: ``VerificationError`` if the manifest cannot be read, has another version, no case,
  ///   two cases of one id, an unknown field, or a field of another type or value than the format
  ///   has. An unknown *operation* is no error here: its case counts as not run.
  public init(folder: URL) throws(VerificationError) {
    let url = folder.appendingPathComponent(Self.fileName)
    let root: JSONValue
    do throws(JSONError) {
      root = try JSONDocument(contentsOf: url).root
    } catch {
      throw .json(case: nil, error)
    }
    try self.init(root: root, folder: folder)
  }

  private init(root: JSONValue, folder: URL) throws(VerificationError) {
    var flags: [String: String] = [:]
    let elements: [JSONValue]
    do throws(JSONError) {
      let version = try root.required("version")
      guard try version.integerValue() == Self.version else {
        throw version.mismatch(expected: "\(Self.version), the version that is read here")
      }
      try root.refuseFields(except: ["version", "flags", "cases"])
      for (key, value) in try root.required("flags").membersValue() {
        flags[try key.identifierValue()] = try value.stringValue()
      }
      let list = try root.required("cases")
      elements = Array(try list.elementsValue())
      if elements.isEmpty { throw list.mismatch(expected: "at least one case") }
    } catch {
      throw .json(case: nil, error)
    }
    var cases: [GoldenCase] = []
    var known: Set<String> = []
    for element in elements {
      let golden = try GoldenCase(element, flags: flags)
      guard known.insert(golden.id).inserted else {
        throw .duplicateCase(manifest: folder.path, id: golden.id)
      }
      cases.append(golden)
    }
    self.folder = folder
    self.flags = flags
    self.cases = cases
  }
}

extension JSONValue {
  /// A text of visible ASCII characters, at least one: equal texts are equal bytes.
  func identifierValue() throws(JSONError) -> String {
    let bytes = try utf8Value()
    guard !bytes.isEmpty, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw mismatch(expected: "visible ASCII characters without spaces")
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// One of a few texts.
  func choiceValue<Choice: RawRepresentable & CaseIterable>(
    of type: Choice.Type
  ) throws(JSONError) -> Choice where Choice.RawValue == String {
    for choice in Choice.allCases where equals(choice.rawValue) { return choice }
    let known = Choice.allCases.map { "'\($0.rawValue)'" }
    throw mismatch(expected: known.joined(separator: " or "))
  }

  /// The elements of an array of integers.
  func integersValue(in bounds: ClosedRange<Int>) throws(JSONError) -> [Int] {
    var integers: [Int] = []
    for element in try elementsValue() {
      integers.append(try element.integerValue(in: bounds))
    }
    return integers
  }
}
