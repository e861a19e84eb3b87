import Foundation

/// Operands in pages of their own, with a page before and one behind that nothing can touch: where a
/// margin shows what is written beside an operand, this ends the process at the first byte that is
/// only read there.
///
/// The memory is never given back.
struct PagedOperands {
  /// The end of its pages that an operand touches.
  enum Side: CaseIterable {
    case begin, end
  }

  let pointers: [UnsafeMutablePointer<Float>]

  /// - Throws: What the system says if it gives no memory.
  init(_ operands: [[Float]], at side: Side) throws {
    pointers = try operands.map { operand in
      let page = Int(getpagesize())
      let byteCount = operand.count * MemoryLayout<Float>.size
      let room = (byteCount + page - 1) / page * page
      let memory = mmap(
        nil, room + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      guard let memory, memory != MAP_FAILED, mprotect(memory, page, PROT_NONE) == 0,
        mprotect(memory + page + room, page, PROT_NONE) == 0
      else { throw CocoaError(.fileReadUnknown) }
      let first = memory + page + (side == .begin ? 0 : room - byteCount)
      let floats = first.bindMemory(to: Float.self, capacity: operand.count)
      operand.withUnsafeBufferPointer { source in
        if let start = source.baseAddress { floats.update(from: start, count: operand.count) }
      }
      return floats
    }
  }
}
