/// Some k of a block, ascending part after part; between two of them the sums stand in memory.
struct BlockPart {
  /// The number of k.
  var count: Int
  /// `[rowCount, width]`; `nil` for the whole block.
  var sums: UnsafeMutablePointer<Float>?
  var isFirst = true
  var isLast = true
}

/// Cache lines that will be needed soon.
///
/// There is no prefetch in Swift. A load that nobody waits for does the same, if it is one among
/// many instructions and near enough to what the hardware fetches ahead by itself.
struct UpcomingLines {
  var base: UnsafeRawPointer
  /// One line is touched every so many k.
  var interval: Int
  /// Bytes from the lines of a group of rows to those of the next.
  var bytesPerGroup: Int
  /// Takes the loaded bits, without which the compiler would drop the loads.
  var witness: UnsafeMutablePointer<UInt32>
}
