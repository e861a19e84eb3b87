import MeteoRAMath

/// The random choices that a sample is made of: those of one line of one file.
///
/// They are the numbers of ``RandomDraw`` for content, with the line for the epoch and the index
/// counted up from 0 with every choice. The seed is the 64-bit FNV-1a hash of the eight bytes of the
/// data's seed, the lowest first, and the name of the file: what one file holds does not depend on
/// another.
struct SampleDraws {
  private let source: RandomDraw
  private var used: UInt32 = 0

  private init(source: RandomDraw) {
    self.source = source
  }

  /// The choices of each line of a file.
  ///
  /// - Parameter file: Any name, in all data of its own.
  static func lines(of file: String, seed: UInt64) -> (_ line: Int) -> SampleDraws {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    let seedBytes = (0..<8).map { UInt8(truncatingIfNeeded: seed >> (8 * UInt64($0))) }
    for byte in seedBytes + Array(file.utf8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return { line in
      let source = RandomDraw(
        seed: hash, purpose: .content, epoch: UInt32(truncatingIfNeeded: line))
      return SampleDraws(source: source)
    }
  }

  /// A number from 0 to `bound − 1`.
  ///
  /// - Parameter bound: From 1 to 2³² − 1.
  mutating func number(below bound: Int) -> Int {
    defer { used &+= 1 }
    return Int(source.number(below: UInt32(bound), index: used))
  }

  /// True in so many of a hundred cases.
  mutating func isTrue(percent: Int) -> Bool { number(below: 100) < percent }

  /// One of several, all equally likely.
  ///
  /// - Parameter elements: At least one.
  mutating func element<Element>(of elements: [Element]) -> Element {
    elements[number(below: elements.count)]
  }

  /// Different numbers from 0 to `bound − 1`, in any order.
  ///
  /// - Parameter count: At most `bound`.
  mutating func distinct(_ count: Int, below bound: Int) -> [Int] {
    var numbers: [Int] = []
    while numbers.count < count {
      let number = number(below: bound)
      if !numbers.contains(number) { numbers.append(number) }
    }
    return numbers
  }
}
