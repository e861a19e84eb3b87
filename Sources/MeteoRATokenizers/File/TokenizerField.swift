import Foundation
import MeteoRASafetensors

/// A value of a `tokenizer.json`, whose accessors throw this module's errors.
struct TokenizerField {
  let value: JSONValue
  /// The name of the file in errors.
  let source: String

  /// Parses a document.
  init(json: [UInt8], source: String) throws(TokenizerError) {
    self.source = source
    do throws(JSONError) {
      value = try JSONDocument(bytes: json, source: source).root
    } catch {
      throw .json(error)
    }
  }

  /// Parses the bytes of a file.
  init(_ bytes: UnsafeRawBufferPointer, source: String) throws(TokenizerError) {
    self.source = source
    do throws(JSONError) {
      value = try JSONDocument(bytes, source: source).root
    } catch {
      throw .json(error)
    }
  }

  /// Reads a file.
  init(contentsOf url: URL) throws(TokenizerError) {
    do throws(JSONError) {
      value = try JSONDocument(contentsOf: url).root
      source = url.path
    } catch {
      throw .json(error)
    }
  }

  private init(_ value: JSONValue, of parent: TokenizerField) {
    self.value = value
    source = parent.source
  }

  // MARK: Members and elements

  func required(_ key: String) throws(TokenizerError) -> TokenizerField {
    TokenizerField(try checked { () throws(JSONError) in try value.required(key) }, of: self)
  }

  /// A member that may be absent or `null`.
  func optional(_ key: String) throws(TokenizerError) -> TokenizerField? {
    try checked { () throws(JSONError) in try value.optional(key) }
      .map { TokenizerField($0, of: self) }
  }

  func elements() throws(TokenizerError) -> [TokenizerField] {
    try checked { () throws(JSONError) in try value.elementsValue() }
      .map { TokenizerField($0, of: self) }
  }

  func members() throws(TokenizerError) -> JSONMembers {
    try checked { () throws(JSONError) in try value.membersValue() }
  }

  func member(_ value: JSONValue) -> TokenizerField { TokenizerField(value, of: self) }

  /// Refuses members that nothing here reads: what they ask for would be ignored.
  func refuseMembers(otherThan known: [String]) throws(TokenizerError) {
    for (key, _) in try members() where !known.contains(where: { key.equals($0) }) {
      throw unsupported("the field '\(key.path)'", alternative: alternative(known))
    }
  }

  // MARK: Scalars

  func bool() throws(TokenizerError) -> Bool {
    try checked { () throws(JSONError) in try value.boolValue() }
  }

  /// A boolean member; `standard` if it is absent or `null`.
  func bool(_ key: String, standard: Bool) throws(TokenizerError) -> Bool {
    try optional(key)?.bool() ?? standard
  }

  func utf8() throws(TokenizerError) -> [UInt8] {
    try checked { () throws(JSONError) in try value.utf8Value() }
  }

  func integer(in bounds: ClosedRange<Int>) throws(TokenizerError) -> Int {
    try checked { () throws(JSONError) in try value.integerValue(in: bounds) }
  }

  /// Whether the field `type` of a part of the tokenizer has this name.
  func hasType(_ name: String) throws(TokenizerError) -> Bool {
    let type = try required("type")
    if type.value.kind != .string { throw type.mismatch(expected: "a string") }
    return type.value.equals(name)
  }

  // MARK: Errors

  /// The error that this value is not what is wanted.
  func mismatch(expected: String) -> TokenizerError { .json(value.mismatch(expected: expected)) }

  func unsupported(_ feature: String, alternative: String) -> TokenizerError {
    .unsupported(source: source, feature: feature, alternative: alternative)
  }

  /// The error that the field `type` of a part has a name that is not supported; `supported` are.
  func unsupportedType(
    of part: String, supported: [String]
  ) throws(TokenizerError) -> TokenizerError {
    let type = try required("type").utf8()
    return unsupported(
      "\(part) type '\(printable(type))'",
      alternative: alternative(supported))
  }

  func malformed(_ problem: String) -> TokenizerError {
    .malformed(source: source, problem: problem)
  }

  /// What is supported instead, as the end of a sentence: `A, B and C are`.
  private func alternative(_ names: [String]) -> String {
    guard names.count > 1, let last = names.last else { return names.joined() + " is" }
    return names.dropLast().joined(separator: ", ") + " and " + last + " are"
  }

  private func checked<Result>(
    _ body: () throws(JSONError) -> Result
  ) throws(TokenizerError) -> Result {
    do throws(JSONError) {
      return try body()
    } catch {
      throw .json(error)
    }
  }
}
