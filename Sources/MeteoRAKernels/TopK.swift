// Top-k: the k largest of a row of gate logits, in descending order.
//
// −0 equals +0, NaN ranks above +∞ and equals NaN, and of equal logits the lower index comes first.

/// Whether `a` ranks strictly above `b`.
@inline(__always)
private func ranksAbove(_ a: Float, _ b: Float) -> Bool {
  a > b || (a.isNaN && !b.isNaN)
}

/// Writes the indices of the `k` largest of `count` logits to `selected`, largest first.
func selectLargest(
  _ k: Int, of logits: UnsafePointer<Float>, count: Int, to selected: UnsafeMutablePointer<Int32>
) {
  // Insertion into a sorted list: rows are short, and an equal logit of a higher index never
  // moves ahead of a lower one.
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
/// −0 equals +0, NaN ranks above +∞, and of equal values the lower index comes first.
///
/// - Parameters:
///   - logits: `[rows, width]`, row-major.
///   - k: 1 … `width`.
/// - Returns: `[rows, k]` indices below `width`.
/// - Throws: ``KernelError`` if `k` is out of range or `logits` has another size.
public func topK(
  _ k: Int, of logits: [Float], rows: Int, width: Int
) throws(KernelError) -> [Int32] {
  try requireElements(logits.count, shape: [rows, width], of: "logits")
  try requireRouter(topK: k, adapterCount: width)
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
  guard adapterCount <= Int32.max else {
    throw .outOfRange(
      argument: "adapter count", actual: "\(adapterCount)", allowed: "at most \(Int32.max)")
  }
  guard topK >= 1, topK <= adapterCount else {
    throw .outOfRange(
      argument: "router top-k", actual: "\(topK)", allowed: "1...\(adapterCount) (the adapters)")
  }
}
