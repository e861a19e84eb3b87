// Changes of single values of a document; every other byte, and so every number's spelling and the
// order of all keys, stays as it is.

extension JSONValue {
  /// The bytes of the document with this value replaced; `nil` for an object or an array.
  package func documentReplacing(by new: JSONOutput) -> [UInt8]? {
    let node = node
    guard !node.isContainer else { return nil }
    let quote = node.isString ? 1 : 0
    let range = Int(node.start) - quote..<Int(node.end) + quote
    return Array(tape.bytes[..<range.lowerBound]) + new.line + tape.bytes[range.upperBound...]
  }

  /// The bytes of the document with a member added at the beginning of this object; `nil` unless it
  /// is an object, without the key.
  package func documentAdding(_ key: String, _ value: JSONOutput) -> [UInt8]? {
    guard let members, self[key] == nil else { return nil }
    var member: [UInt8] = []
    JSONOutput.appendString(key, to: &member)
    member += ": ".utf8
    member += value.line
    if members.count > 0 { member += ", ".utf8 }
    let place = offset + 1
    return Array(tape.bytes[..<place]) + member + tape.bytes[place...]
  }
}
