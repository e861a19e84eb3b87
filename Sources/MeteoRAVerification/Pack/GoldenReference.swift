import MeteoRASafetensors

/// Where an input or output of a case stands: a tensor in a file of the pack, or a whole file.
public struct GoldenReference: Sendable {
  /// A tensor as the manifest describes it.
  public struct Tensor: Sendable, Equatable {
    /// The name in the file.
    public let name: String
    /// The type of the elements.
    public let dtype: SafetensorsDType
    /// Outermost size first; empty for a scalar.
    public let shape: [Int]
  }

  /// The name of the input or output.
  public let name: String
  /// A path inside the pack.
  public let file: String
  /// `nil` if the whole file, or folder, is meant.
  public let tensor: Tensor?

  static func all(_ value: JSONValue) throws(JSONError) -> [GoldenReference] {
    var references: [GoldenReference] = []
    for (key, value) in try value.membersValue() {
      references.append(try GoldenReference(name: try key.identifierValue(), value))
    }
    return references
  }

  private init(name: String, _ value: JSONValue) throws(JSONError) {
    try value.refuseFields(except: ["file", "tensor", "dtype", "shape"])
    self.name = name
    file = try value.required("file").packPathValue()
    guard let tensor = value["tensor"] else {
      try value.refuseFields(except: ["file"])
      self.tensor = nil
      return
    }
    let dtype = try value.required("dtype")
    guard let type = SafetensorsDType(name: try dtype.stringValue()) else {
      throw dtype.mismatch(expected: "a type of safetensors")
    }
    self.tensor = Tensor(
      name: try tensor.stringValue(), dtype: type,
      shape: try value.required("shape").integersValue(in: 0...Int(Int32.max)))
  }
}

extension JSONValue {
  /// A path that stays inside the pack.
  func packPathValue() throws(JSONError) -> String {
    let path = try stringValue()
    let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let staysInside = parts.allSatisfy { part in
      !part.isEmpty && !part.contains(0) && !part.elementsEqual("..".utf8)
    }
    guard staysInside else { throw mismatch(expected: "a path inside the pack") }
    return path
  }
}
