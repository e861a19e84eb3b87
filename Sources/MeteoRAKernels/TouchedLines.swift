// Touching memory before it is needed.
//
// There is no prefetch in Swift. A load that nobody waits for does the same, if it is one among
// many instructions: then memory is waited for once, and not line by line.

/// Cache lines that will be needed soon, touched one by one between other instructions, not far
/// ahead of what the hardware fetches by itself.
struct UpcomingLines {
  static let lineBytes = 64

  private(set) var base: UnsafeRawPointer
  /// One line is touched every so many k.
  let interval: Int
  /// Takes the loaded bits, without which the compiler would drop the loads.
  private let witness: UnsafeMutablePointer<UInt32>
  private var touched: UInt32 = 0

  init(from base: UnsafeRawPointer, interval: Int, witness: UnsafeMutablePointer<UInt32>) {
    self.base = base
    self.interval = interval
    self.witness = witness
  }

  /// What is left after `passes` blocks of `blockLength` k.
  func after(passes: Int, of blockLength: Int) -> UpcomingLines {
    let linesPerPass = (blockLength + interval - 1) / interval
    var rest = self
    rest.base += passes * linesPerPass * Self.lineBytes
    return rest
  }

  @inline(__always) mutating func touchNext() {
    touched |= base.loadUnaligned(as: UInt32.self)
    base += Self.lineBytes
  }

  @inline(__always) func bearWitness() { witness.pointee = touched }
}

/// Reads a byte of every cache line of some weights, all at once; of long ones only the beginning,
/// since the hardware reads ahead by then.
///
/// - Parameter witness: Takes a byte that depends on all of them. Never inlined, so that the
///   compiler cannot see that nobody reads it.
@inline(never)
func touchLines(of memory: UnsafeRawBufferPointer, witness: UnsafeMutableRawPointer) {
  let end = min(memory.count, 128 << 10)
  let line = UpcomingLines.lineBytes
  // Two of them, so that loads need not wait for each other.
  var (even, odd): (UInt8, UInt8) = (0, 0)
  var offset = 0
  while offset &+ line < end {
    even |= memory[offset]
    odd |= memory[offset &+ line]
    offset &+= 2 &* line
  }
  if offset < end { even |= memory[offset] }
  witness.storeBytes(of: even | odd, as: UInt8.self)
}
