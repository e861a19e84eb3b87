import MeteoRAMath

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
  static let lineBytes = 64

  var base: UnsafeRawPointer
  /// One line is touched every so many k.
  let interval: Int
  /// Takes the loaded bits, without which the compiler would drop the loads.
  let witness: UnsafeMutablePointer<UInt32>
  private var touched: UInt32 = 0

  init(from base: UnsafeRawPointer, interval: Int, witness: UnsafeMutablePointer<UInt32>) {
    self.base = base
    self.interval = interval
    self.witness = witness
  }

  /// What is left after `count` k, a multiple of 128.
  func after(_ count: Int) -> UpcomingLines {
    let linesPerBlock = (DotProduct.blockLength + interval - 1) / interval
    var rest = self
    rest.base += count / DotProduct.blockLength * linesPerBlock * Self.lineBytes
    return rest
  }

  @inline(__always) mutating func touchNext() {
    touched |= base.loadUnaligned(as: UInt32.self)
    base += Self.lineBytes
  }

  @inline(__always) func bearWitness() { witness.pointee = touched }
}
