// TopK: the k largest of a row of gate logits, in descending order.
//
//   logits      0.5  2.0  −1.0  2.0  NaN        k = 3 ─▶  4, 1, 3
//
// −0 equals +0, NaN ranks above +∞ and equals NaN, and of equal logits the lower index comes first.
//
//   k up to 32    a list of the k largest so far, each new one inserted from its end
//   more          a sort of all indices by the same rule

/// Whether `a` ranks strictly above `b`.
@inline(__always)
private func ranksAbove(_ a: Float, _ b: Float) -> Bool {
  a > b || (a.isNaN && !b.isNaN)
}

/// Up to this k, insertion into a list of the k largest so far is fastest; its work grows with
/// k · width.
private let largestInserted = 32

/// Writes the indices of the `k` largest of `count` logits to `selected`, largest first.
func selectLargest(
  _ k: Int, of logits: UnsafePointer<Float>, count: Int, to selected: UnsafeMutablePointer<Int32>
) {
  if k <= largestInserted {
    insertLargest(k, of: logits, count: count, to: selected)
    return
  }
  let order = (0..<count).sorted { a, b in
    let (x, y) = (logits[a], logits[b])
    return ranksAbove(x, y) || (!ranksAbove(y, x) && a < b)
  }
  for (place, index) in order.prefix(k).enumerated() {
    selected[place] = Int32(truncatingIfNeeded: index)
  }
}

private func insertLargest(
  _ k: Int, of logits: UnsafePointer<Float>, count: Int, to selected: UnsafeMutablePointer<Int32>
) {
  // An equal logit of a higher index never moves ahead of a lower one.
  var kept = 0
  for index in 0..<count {
    let logit = logits[index]
    if kept == k, !ranksAbove(logit, logits[Int(selected[k - 1])]) { continue }
    var place = kept < k ? kept : k - 1
    while place > 0, ranksAbove(logit, logits[Int(selected[place - 1])]) {
      selected[place] = selected[place - 1]
      place -= 1
    }
    selected[place] = Int32(truncatingIfNeeded: index)
    if kept < k { kept += 1 }
  }
}

/// The `k` largest of every row, as indices in descending order.
///
/// −0 equals +0, NaN ranks above +∞ and equals NaN whatever its sign and payload, and of equal
/// values the lower index comes first.
///
/// - Parameters:
///   - logits: `[rows, width]`, row-major.
///   - k: 1 … `width`.
/// - Returns: `[rows, k]` indices below `width`.
/// - Throws: ``KernelError`` if `k` or `width` is out of range or `logits` has another size.
public func topK(
  _ k: Int, of logits: [Float], rows: Int, width: Int
) throws(KernelError) -> [Int32] {
  try requireElements(logits.count, shape: [rows, width], of: "logits")
  try requireChoice(of: k, named: "k", among: width, named: "width")
  // No row is empty, and k is no more than its width: not larger than the logits.
  var selected = [Int32](repeating: 0, count: rows * k)
  logits.withUnsafeBufferPointer { logits in
    selected.withUnsafeMutableBufferPointer { selected in
      guard let values = logits.baseAddress, let indices = selected.baseAddress else { return }
      for row in 0..<rows {
        selectLargest(k, of: values + row * width, count: width, to: indices + row * k)
      }
    }
  }
  return selected
}

/// Throws unless `topK` adapters can be chosen among `adapterCount`.
package func requireRouter(topK: Int, adapterCount: Int) throws(KernelError) {
  try requireChoice(
    of: topK, named: "router top-k", among: adapterCount, named: "adapter count",
    note: " (the adapters)")
}

/// Throws unless `k` can be chosen among `count`, whose indices are of 32 bits.
///
/// - Parameter note: Says in an error what the count is of.
private func requireChoice(
  of k: Int, named argument: String, among count: Int, named countArgument: String,
  note: String = ""
) throws(KernelError) {
  guard (1...Int(Int32.max)).contains(count) else {
    throw .outOfRange(argument: countArgument, actual: "\(count)", allowed: "1...\(Int32.max)")
  }
  guard (1...count).contains(k) else {
    throw .outOfRange(argument: argument, actual: "\(k)", allowed: "1...\(count)\(note)")
  }
}
