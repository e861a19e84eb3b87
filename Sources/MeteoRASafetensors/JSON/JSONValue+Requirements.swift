// Typed access that throws with the place and the path of the field:
// `config.json:9:18 (byte 260): field 'rope_scaling.factor' is a string, expected a number`.

extension JSONValue {
  /// The member `key` of an object.
  ///
  /// - Throws: ``JSONError`` if the value is no object or has no such member.
  package func required(_ key: String) throws(JSONError) -> JSONValue {
    if node.kind != .object { throw mismatch(expected: "an object") }
    if let value = self[key] { return value }
    throw tape.error(.missingField(path: path + Self.step(key, first: index == 0)), at: index)
  }

  /// The member `key` of an object; `nil` if it is absent or `null`.
  ///
  /// - Throws: ``JSONError`` if the value is no object.
  package func optional(_ key: String) throws(JSONError) -> JSONValue? {
    if node.kind != .object { throw mismatch(expected: "an object") }
    guard let value = self[key], !value.isNull else { return nil }
    return value
  }

  /// The value of a boolean.
  package func boolValue() throws(JSONError) -> Bool {
    guard let bool else { throw mismatch(expected: "true or false") }
    return bool
  }

  /// The value of an integer literal (`1.0` and `1e3` are none).
  package func integerValue() throws(JSONError) -> Int {
    guard let integer else { throw mismatch(expected: "an integer of at most 64 bits") }
    return integer
  }

  /// The value of an integer literal within bounds.
  package func integerValue(in bounds: ClosedRange<Int>) throws(JSONError) -> Int {
    guard let integer, bounds.contains(integer) else {
      throw mismatch(expected: "an integer from \(bounds.lowerBound) to \(bounds.upperBound)")
    }
    return integer
  }

  /// The nearest binary64 of a number.
  package func doubleValue() throws(JSONError) -> Double {
    guard let double else { throw mismatch(expected: "a number that binary64 can hold") }
    return double
  }

  /// The text of a string.
  package func stringValue() throws(JSONError) -> String {
    guard let string else { throw mismatch(expected: "a string") }
    return string
  }

  /// The UTF-8 bytes of a string, escapes resolved.
  package func utf8Value() throws(JSONError) -> [UInt8] {
    guard let utf8 else { throw mismatch(expected: "a string") }
    return utf8
  }

  /// The members of an object in the order of the file.
  package func membersValue() throws(JSONError) -> JSONMembers {
    guard let members else { throw mismatch(expected: "an object") }
    return members
  }

  /// The elements of an array in order.
  package func elementsValue() throws(JSONError) -> JSONElements {
    guard let elements else { throw mismatch(expected: "an array") }
    return elements
  }

  /// Throws if the object has a member that is not among `known`.
  package func refuseFields(except known: [String]) throws(JSONError) {
    if let problem = try problems(withFieldsExcept: known).first { throw problem }
  }

  /// The errors that an object's members are that are not among `known`.
  ///
  /// - Throws: ``JSONError`` if the value is no object.
  package func problems(withFieldsExcept known: [String]) throws(JSONError) -> [JSONError] {
    try membersValue().filter { key, _ in !known.contains(where: key.equals) }.map { _, value in
      value.mismatch(expected: "to be absent; known are \(known.joined(separator: ", "))")
    }
  }

  /// The error that this value is not what is wanted, for rules that the typed accessors lack.
  ///
  /// - Parameter expected: What is wanted, as it ends the sentence "…, expected …".
  package func mismatch(expected: String) -> JSONError {
    tape.error(.mismatch(path: path, found: summary, expected: expected), at: index)
  }

  /// The place of the value as a path from the root, such as `rope_scaling.factor` or
  /// `adapters[2].name`; empty for the root.
  ///
  /// - Complexity: O(nodes before the value): meant for messages.
  package var path: String {
    var path = ""
    var container = 0
    while container != index {
      let isObject = tape.nodes[container].kind == .object
      var child = container + 1
      for number in 0..<tape.nodes[container].count {
        let value = isObject ? child + 1 : child
        let next = tape.indexAfter(value)
        if index < next {
          if isObject {
            let key = JSONValue(tape: tape, index: child).string ?? ""
            path += Self.step(key, first: container == 0)
            // A key is its member's: it has the same path.
            if index == child { return path }
          } else {
            path += "[\(number)]"
          }
          child = value
          break
        }
        child = next
      }
      container = child
    }
    return path
  }

  private static func step(_ key: String, first: Bool) -> String {
    let isPlain = key.utf8.allSatisfy { byte in
      byte != UInt8(ascii: ".") && byte != UInt8(ascii: "[") && byte > 0x20 && byte != 0x7F
    }
    if key.isEmpty || !isPlain { return "[\"\(printable(key))\"]" }
    return (first ? "" : ".") + printable(key)
  }

  /// The value as JSON where it is an array of a few simple ones, else its ``summary``.
  package var excerpt: String {
    let most = 4
    guard let elements, elements.allSatisfy({ $0.elements == nil && $0.members == nil }) else {
      return summary
    }
    let shown = elements.prefix(most).map { element in
      element.string.map { "\"\(printable($0, limit: 40))\"" } ?? element.summary
    }
    return "[" + (shown + (elements.count > most ? ["…"] : [])).joined(separator: ", ") + "]"
  }

  /// What the value is, for messages: its type, and its text where that is short.
  package var summary: String {
    switch kind {
    case .null: return "null"
    case .boolean: return node.kind == .true ? "true" : "false"
    case .number: return printable(numberText ?? "", limit: 40)
    case .string: return "the string \"\(printable(string ?? "", limit: 40))\""
    case .array: return "an array"
    case .object: return "an object"
    }
  }
}
