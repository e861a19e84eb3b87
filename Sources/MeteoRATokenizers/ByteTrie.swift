/// Byte strings as a tree of their bytes, to find the longest one at a place of a text.
///
/// The children of a node lie side by side in the order of their bytes, so that each step down
/// takes nine comparisons at most.
struct ByteTrie: Sendable {
  private struct Node {
    /// The byte that leads here.
    let byte: UInt8
    var childCount: UInt16 = 0
    var firstChild: Int32 = 0
    /// The index of the string that ends here; negative if none does.
    var string: Int32 = -1
  }

  private var nodes = [Node(byte: 0)]
  /// The child of the root for each byte; 0 where there is none.
  private var roots = [Int32](repeating: 0, count: 256)

  /// - Parameter strings: At most 2³¹ bytes in all. Of equal ones the first counts; empty ones are
  ///   never found.
  init(_ strings: [[UInt8]]) {
    let order = strings.indices.sorted { first, second in
      if strings[first].lexicographicallyPrecedes(strings[second]) { return true }
      return strings[first] == strings[second] && first < second
    }
    // Level by level: the strings below a node are neighbours in this order.
    var level = [(node: 0, strings: order.indices)]
    var depth = 0
    while !level.isEmpty {
      var next: [(node: Int, strings: Range<Int>)] = []
      for (node, range) in level {
        var place = range.lowerBound
        while place < range.upperBound && strings[order[place]].count == depth {
          if node > 0 && nodes[node].string < 0 { nodes[node].string = Int32(order[place]) }
          place += 1
        }
        nodes[node].firstChild = Int32(nodes.count)
        while place < range.upperBound {
          let byte = strings[order[place]][depth]
          let first = place
          while place < range.upperBound && strings[order[place]][depth] == byte { place += 1 }
          if node == 0 { roots[Int(byte)] = Int32(nodes.count) }
          next.append((nodes.count, first..<place))
          nodes.append(Node(byte: byte))
          nodes[node].childCount += 1
        }
      }
      level = next
      depth += 1
    }
  }

  /// The longest string that begins at a place, and its end there.
  ///
  /// - Complexity: O(bytes of the longest string).
  @inline(__always)
  func longestMatch(
    at start: Int, in text: UnsafeBufferPointer<UInt8>
  ) -> (string: Int, end: Int)? {
    let root = Int(roots[Int(text[start])])
    return root == 0 ? nil : longestMatch(at: start, in: text, below: root)
  }

  private func longestMatch(
    at start: Int, in text: UnsafeBufferPointer<UInt8>, below root: Int
  ) -> (string: Int, end: Int)? {
    nodes.withUnsafeBufferPointer { nodes in
      var best: (string: Int, end: Int)?
      var node = root
      var position = start + 1
      while true {
        if nodes[node].string >= 0 { best = (Int(nodes[node].string), position) }
        guard position < text.count,
          let child = Self.child(of: nodes[node], for: text[position], in: nodes)
        else { return best }
        node = child
        position += 1
      }
    }
  }

  @inline(__always)
  private static func child(
    of node: Node, for byte: UInt8, in nodes: UnsafeBufferPointer<Node>
  ) -> Int? {
    var low = Int(node.firstChild)
    var count = Int(node.childCount)
    while count > 1 {
      let half = count >> 1
      if nodes[low + half].byte <= byte { low += half }
      count -= half
    }
    return count == 1 && nodes[low].byte == byte ? low : nil
  }
}
