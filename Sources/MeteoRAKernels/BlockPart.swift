/// Some k of a block, ascending part after part; between two of them the sums stand in memory.
struct BlockPart {
  /// The number of k.
  var count: Int
  /// `[rowCount, width]`; `nil` for the whole block.
  var sums: UnsafeMutablePointer<Float>?
  var isFirst = true
  var isLast = true
}
