// JSONTape: a parsed document as one flat array of nodes over the document's own bytes.
//
//   {"a":[1,2],"b":"x"}     0 object  count 2  next 7
//                           1 string "a"          2 array  count 2  next 5
//                                                 3 integer 1       4 integer 2
//                           5 string "b"          6 string "x"
//
// Children follow their container in document order, so a subtree is a range of the array, `next`
// skips it, and nothing is decoded before somebody asks. A tokenizer.json of 20 MB (130 000
// members, 280 000 elements) costs one pass and a few megabytes.

/// One value, or one key, of a document.
struct JSONNode {
  enum Kind: UInt8 {
    case null, `false`, `true`, integer, number, string, escapedString, array, object
  }

  /// The first byte of the value; for strings the first byte after the quote.
  var start: UInt32
  /// Scalars: the byte after the value (for strings, its closing quote). Containers: the index of
  /// the first node after the subtree.
  var end: UInt32
  /// Elements of an array, members of an object; 0 for scalars.
  var count: UInt32
  var kind: Kind

  var isContainer: Bool { kind == .array || kind == .object }
  var isString: Bool { kind == .string || kind == .escapedString }
}

/// The bytes, nodes and key tables of one document; immutable once parsed.
final class JSONTape: Sendable {
  let bytes: [UInt8]
  let nodes: [JSONNode]
  let keyTables: [Int: JSONKeyTable]
  let source: String

  init(parsing bytes: [UInt8], source: String) throws(JSONError) {
    let parsed = try bytes.withUnsafeBufferPointer { input throws(JSONError) in
      let parser = try JSONParser(parsing: input, source: source)
      return (parser.nodes, parser.keyTables)
    }
    self.bytes = bytes
    self.nodes = parsed.0
    self.keyTables = parsed.1
    self.source = source
  }

  /// The index of the first node after the subtree of `index`.
  func indexAfter(_ index: Int) -> Int {
    nodes[index].isContainer ? Int(nodes[index].end) : index + 1
  }

  /// The index of the value of `key`; `nil` if the object at `object` has no such key.
  func value(of key: UnsafeBufferPointer<UInt8>, in object: Int) -> Int? {
    bytes.withUnsafeBufferPointer { input in
      nodes.withUnsafeBufferPointer { nodes in
        if let table = keyTables[object] {
          return table.find(key, in: input, nodes: nodes).map { $0 + 1 }
        }
        var index = object + 1
        for _ in 0..<nodes[object].count {
          if JSONText.equals(nodes[index], key, in: input) { return index + 1 }
          index = indexAfter(index + 1)
        }
        return nil
      }
    }
  }

  func error(_ problem: JSONError.Problem, at index: Int) -> JSONError {
    let node = nodes[index]
    let offset = Int(node.start) - (node.isString ? 1 : 0)
    return bytes.withUnsafeBufferPointer { input in
      JSONError(problem, at: offset, in: input, source: source)
    }
  }
}
