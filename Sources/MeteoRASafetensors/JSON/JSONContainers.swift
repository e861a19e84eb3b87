/// The members of an object, in the order of the file.
package struct JSONMembers: Sequence, Sendable {
  let object: JSONValue

  /// The number of members.
  package var count: Int { Int(object.node.count) }

  package var underestimatedCount: Int { count }

  package func makeIterator() -> Iterator {
    Iterator(children: JSONChildren(of: object, nodesBeforeValue: 1))
  }

  package struct Iterator: IteratorProtocol {
    var children: JSONChildren

    package mutating func next() -> (key: JSONValue, value: JSONValue)? {
      guard let key = children.next() else { return nil }
      return (key, JSONValue(tape: key.tape, index: key.index + 1))
    }
  }
}

/// The elements of an array, in order.
package struct JSONElements: Sequence, Sendable {
  let array: JSONValue

  /// The number of elements.
  package var count: Int { Int(array.node.count) }

  package var underestimatedCount: Int { count }

  package func makeIterator() -> Iterator {
    Iterator(children: JSONChildren(of: array, nodesBeforeValue: 0))
  }

  package struct Iterator: IteratorProtocol {
    var children: JSONChildren

    package mutating func next() -> JSONValue? { children.next() }
  }
}

/// Steps over the members or elements of a container.
struct JSONChildren {
  private let tape: JSONTape
  /// 1 if a key stands before each value.
  private let nodesBeforeValue: Int
  private var cursor: Int
  private var remaining: Int

  init(of container: JSONValue, nodesBeforeValue: Int) {
    tape = container.tape
    self.nodesBeforeValue = nodesBeforeValue
    cursor = container.index + 1
    remaining = Int(container.node.count)
  }

  /// The next element, or the key of the next member.
  mutating func next() -> JSONValue? {
    if remaining == 0 { return nil }
    remaining -= 1
    let child = JSONValue(tape: tape, index: cursor)
    cursor = tape.indexAfter(cursor + nodesBeforeValue)
    return child
  }
}
