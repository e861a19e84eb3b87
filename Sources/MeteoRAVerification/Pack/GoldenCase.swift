import MeteoRASafetensors

/// One case of a golden pack: an operation, what goes in, and what an oracle says comes out.
public struct GoldenCase: Sendable {
  /// What the operation has to make of the inputs.
  public enum Result: String, Sendable, CaseIterable {
    /// Results.
    case valid
    /// A refusal: the inputs break their format.
    case malformed
    /// A refusal: the inputs may be valid, but are not taken.
    case unsupported
  }

  /// Where the expected values come from.
  public enum Origin: String, Sendable, CaseIterable {
    /// Other code than any that the pack checks.
    case oracle
    /// The code under test, at some time: guards against change, proves nothing.
    case snapshot
  }

  /// `area/name`, unique in the pack.
  public let id: String
  /// One sentence: what the case pins.
  public let comment: String
  /// The name of the operation.
  public let operation: String
  /// Explained in ``GoldenManifest/flags``; the first is the case's tier.
  public let flags: [String]
  /// What the operation has to make of the inputs.
  public let result: Result
  /// How results are compared with what is expected.
  public let check: GoldenCheck
  /// Where the expected values come from.
  public let origin: Origin
  /// What goes in, in the order of the manifest.
  public let inputs: [GoldenReference]
  /// What comes out.
  public let outputs: [GoldenReference]
  /// Settings of the operation.
  package let parameters: JSONValue
  /// SHA-256 of the files that the case reads, in hexadecimal digits.
  let digests: [(file: String, digest: String)]

  /// The part of the id before the first `/`.
  public var area: String {
    String(decoding: id.utf8.prefix { $0 != UInt8(ascii: "/") }, as: UTF8.self)
  }

  /// The first flag: `exact`, `ordered`, `truth`, …; the expected result where there is none.
  public var tier: String { flags.first ?? result.rawValue }

  private static let fields = [
    "id", "comment", "operation", "parameters", "flags", "result", "check", "origin", "source",
    "inputs", "outputs", "sha256",
  ]

  /// - Parameter flags: The flags that the manifest explains.
  init(_ value: JSONValue, flags: [String: String]) throws(VerificationError) {
    let id: String
    do throws(JSONError) {
      id = try value.required("id").identifierValue()
    } catch {
      throw .json(case: nil, error)
    }
    do throws(JSONError) {
      self = try Self(value, id: id, flags: flags)
    } catch {
      throw .json(case: id, error)
    }
  }

  private init(
    _ value: JSONValue, id: String, flags known: [String: String]
  ) throws(JSONError) {
    try value.refuseFields(except: Self.fields)
    self.id = id
    comment = try value.required("comment").stringValue()
    operation = try value.required("operation").identifierValue()
    parameters = try value.required("parameters")
    _ = try parameters.membersValue()
    var flags: [String] = []
    for element in try value.required("flags").elementsValue() {
      let flag = try element.identifierValue()
      guard known[flag] != nil else {
        throw element.mismatch(expected: "a flag that the manifest explains")
      }
      flags.append(flag)
    }
    self.flags = flags
    result = try value.required("result").choiceValue(of: Result.self)
    check = try GoldenCheck(try value.required("check"))
    origin = try value.required("origin").choiceValue(of: Origin.self)
    _ = try value.required("source").membersValue()
    var digests: [(file: String, digest: String)] = []
    for (key, value) in try value.required("sha256").membersValue() {
      digests.append((try key.packPathValue(), try value.identifierValue()))
    }
    self.digests = digests
    inputs = try GoldenReference.all(try value.required("inputs"))
    outputs = try GoldenReference.all(try value.required("outputs"))
  }

  /// The path of the model that the case runs; `nil` if it runs none.
  var model: String? { parameters["model"]?.string }

  /// The input of a name; `nil` if there is none.
  func input(named name: String) -> GoldenReference? {
    inputs.first { $0.name == name }
  }

  /// The output of a name; `nil` if there is none.
  func output(named name: String) -> GoldenReference? {
    outputs.first { $0.name == name }
  }
}
