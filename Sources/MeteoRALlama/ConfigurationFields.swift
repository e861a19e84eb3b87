import Foundation
import MeteoRASafetensors

/// The fields of a JSON object of a `config.json`, whose accessors throw this module's errors.
///
/// A field that is `null` counts as absent, as Transformers takes it.
struct ConfigurationFields {
  private let object: JSONValue
  /// The file's name in errors.
  let file: String

  /// Sizes beyond this are no model's: products of two stay far from overflow.
  private static let largestSize = 1 << 28

  /// Reads a file whose document has to be an object.
  init(contentsOf url: URL) throws(LlamaError) {
    file = url.path
    do throws(JSONError) {
      object = try JSONDocument(contentsOf: url).root
      _ = try object.membersValue()
    } catch {
      throw .json(error)
    }
  }

  private init(_ object: JSONValue, of parent: ConfigurationFields) {
    self.object = object
    file = parent.file
  }

  // MARK: Values

  /// A size that has to be there, at least 1.
  func size(_ field: String) throws(LlamaError) -> Int {
    try read { object throws(JSONError) in
      try object.required(field).integerValue(in: 1...Self.largestSize)
    }
  }

  /// A size, at least 1.
  func optionalSize(_ field: String) throws(LlamaError) -> Int? {
    try read { object throws(JSONError) in
      try object.optional(field)?.integerValue(in: 1...Self.largestSize)
    }
  }

  /// A number that has to be there.
  func number(_ field: String) throws(LlamaError) -> Double {
    try read { object throws(JSONError) in try object.required(field).doubleValue() }
  }

  func optionalNumber(_ field: String) throws(LlamaError) -> Double? {
    try read { object throws(JSONError) in try object.optional(field)?.doubleValue() }
  }

  /// A flag; false if it is absent.
  func flag(_ field: String) throws(LlamaError) -> Bool {
    try read { object throws(JSONError) in try object.optional(field)?.boolValue() ?? false }
  }

  /// A field of any type.
  func optional(_ field: String) throws(LlamaError) -> JSONValue? {
    try read { object throws(JSONError) in try object.optional(field) }
  }

  /// An object inside this one.
  func optionalObject(_ field: String) throws(LlamaError) -> ConfigurationFields? {
    let value = try read { object throws(JSONError) in
      let value = try object.optional(field)
      _ = try value?.membersValue()
      return value
    }
    return value.map { ConfigurationFields($0, of: self) }
  }

  // MARK: Rules

  /// Throws unless a string has one of these values.
  func require(_ field: String, oneOf allowed: [String]) throws(LlamaError) {
    let value = try read { object throws(JSONError) in try object.required(field) }
    try require(value, field, oneOf: allowed)
  }

  /// Throws unless a list of strings, if it is there, holds nothing but these values.
  func requireElements(_ field: String, oneOf allowed: [String]) throws(LlamaError) {
    let elements = try read { object throws(JSONError) in
      try object.optional(field)?.elementsValue()
    }
    guard let elements else { return }
    for element in elements { try require(element, field, oneOf: allowed) }
  }

  /// Throws if a field is there.
  func refuse(_ field: String) throws(LlamaError) {
    guard let value = try optional(field) else { return }
    throw unsupported(field, found: value.summary, supported: "no such field")
  }

  func unsupported(_ field: String, found: String, supported: String) -> LlamaError {
    .unsupported(file: file, field: field, found: found, supported: supported)
  }

  func invalid(_ field: String, found: String, expected: String) -> LlamaError {
    .invalid(file: file, field: field, found: found, expected: expected)
  }

  private func require(
    _ value: JSONValue, _ field: String, oneOf allowed: [String]
  ) throws(LlamaError) {
    let found = try read { _ throws(JSONError) in try value.stringValue() }
    guard allowed.contains(where: value.equals) else {
      throw unsupported(field, found: found, supported: allowed.joined(separator: ", "))
    }
  }

  private func read<Value>(
    _ body: (JSONValue) throws(JSONError) -> Value
  ) throws(LlamaError) -> Value {
    do throws(JSONError) {
      return try body(object)
    } catch {
      throw .json(error)
    }
  }
}
