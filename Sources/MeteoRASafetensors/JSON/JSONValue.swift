/// The types that a JSON value can have.
package enum JSONKind: Sendable {
  case null, boolean, number, string, array, object
}

/// One value of a document: a reference to the document and a position in it, cheap to copy.
///
/// The accessors of this file answer `nil` for a value of another type; those that throw an error
/// with the path of the field are in `JSONValue+Requirements.swift`.
package struct JSONValue: Sendable {
  let tape: JSONTape
  let index: Int

  var node: JSONNode { tape.nodes[index] }

  /// The type of the value.
  package var kind: JSONKind {
    switch node.kind {
    case .null: return .null
    case .false, .true: return .boolean
    case .integer, .number: return .number
    case .string, .escapedString: return .string
    case .array: return .array
    case .object: return .object
    }
  }

  /// The byte offset of the value in its document.
  package var offset: Int { Int(node.start) - (node.isString ? 1 : 0) }

  /// Whether the value is `null`.
  package var isNull: Bool { node.kind == .null }

  /// The value of `true` or `false`.
  package var bool: Bool? {
    switch node.kind {
    case .true: return true
    case .false: return false
    default: return nil
    }
  }

  // MARK: Numbers

  /// The value of an integer literal that fits; `nil` for `1.0` and `1e3`. `-0` is 0.
  package var integer: Int? {
    guard node.kind == .integer else { return nil }
    var digits = Int(node.start)..<Int(node.end)
    let isNegative = tape.bytes[digits.lowerBound] == UInt8(ascii: "-")
    if isNegative { digits = (digits.lowerBound + 1)..<digits.upperBound }
    var value = 0
    for position in digits {
      let digit = Int(tape.bytes[position] - UInt8(ascii: "0"))
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      // Counting downwards for negative numbers reaches Int.min.
      let (sum, carry) =
        isNegative
        ? shifted.subtractingReportingOverflow(digit) : shifted.addingReportingOverflow(digit)
      if overflow || carry { return nil }
      value = sum
    }
    return value
  }

  /// The nearest binary64 of a number; `nil` if it is too large for a finite one.
  package var double: Double? {
    guard let text = numberText, let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// The source text of a number, such as `1e-05`.
  package var numberText: String? {
    guard node.kind == .integer || node.kind == .number else { return nil }
    return String(decoding: tape.bytes[Int(node.start)..<Int(node.end)], as: UTF8.self)
  }

  // MARK: Strings

  /// The text of a string. Compare ``utf8`` instead of strings: `==` merges equivalent spellings.
  package var string: String? {
    utf8.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The UTF-8 bytes of a string, escapes resolved.
  package var utf8: [UInt8]? {
    var bytes: [UInt8] = []
    return appendUTF8(to: &bytes) ? bytes : nil
  }

  /// Appends the UTF-8 bytes of a string, escapes resolved, without an allocation of its own.
  ///
  /// - Returns: Whether the value is a string.
  @discardableResult
  package func appendUTF8(to bytes: inout [UInt8]) -> Bool {
    let node = node
    guard node.isString else { return false }
    tape.bytes.withUnsafeBufferPointer { JSONText.append(node, in: $0, to: &bytes) }
    return true
  }

  /// Whether the value is a string of exactly these bytes.
  package func equals(_ text: String) -> Bool {
    let node = node
    guard node.isString else { return false }
    var text = text
    return text.withUTF8 { text in
      tape.bytes.withUnsafeBufferPointer { JSONText.equals(node, text, in: $0) }
    }
  }

  // MARK: Containers

  /// The members of an object in the order of the file.
  package var members: JSONMembers? {
    node.kind == .object ? JSONMembers(object: self) : nil
  }

  /// The elements of an array in order.
  package var elements: JSONElements? {
    node.kind == .array ? JSONElements(array: self) : nil
  }

  /// The member of an object whose key has the UTF-8 bytes of `key`; `nil` if there is none.
  ///
  /// - Complexity: O(1) for large objects, O(members) for objects with at most 16.
  package subscript(key: String) -> JSONValue? {
    guard node.kind == .object else { return nil }
    var key = key
    return key.withUTF8 { tape.value(of: $0, in: index) }.map { JSONValue(tape: tape, index: $0) }
  }
}
