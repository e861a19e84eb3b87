import MeteoRAMath

// BlockChain: the inner loop of every matrix product.
//
//   x rows (8, 4 or 1)   weights, `width` outputs side by side for every k   y rows, held totals
//
//   s[r][o] = +0;  for k ascending { s[r][o] = fma(w[k][o], x[r][k], s[r][o]) }   one block of k
//   y[r][o] = y[r][o] + s[r][o]
//
//          k ─▶                      outputs ─▶
//   x[r]  ▪▪▪▪▪▪▪▪      w[k]  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪│▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪     two vectors
//
// This is the dot product of the arithmetic contract, one block of at most 128 at a time; the
// caller starts y at +0 and calls block after block, ascending. Lanes are outputs, so no sum is
// ever split, and the chain of each output is the same whatever the vector width, the number of
// rows at a time or the processor. Eight rows by two vectors keep 16 chains in flight, which
// covers the latency of fma, and load each weight once for eight rows.
//
// Formats, vectors and rows are generic and stand in one file: a debug build compiles file by file,
// and would not specialise what it finds elsewhere.

/// Adds the chain over `range` of each of `rowCount` rows to `y`.
///
/// - Parameters:
///   - rows: `rowCount` pointers; row r is read at `rows[r][range]`.
///   - rowCount: 1, 4 or 8.
///   - range: At most 128 indices, the contract's block.
///   - y: Row r's `width` totals stand at `y + r * yStride`.
func addBlock(
  rows: UnsafePointer<UnsafePointer<Float>>, rowCount: Int, range: Range<Int>,
  weights: WeightBlock, to y: UnsafeMutablePointer<Float>, yStride: Int
) {
  switch weights.format {
  case .float32: addBlock(Float32Pairs.self, rows, rowCount, range, weights, y, yStride)
  case .bfloat16: addBlock(BFloat16Pairs.self, rows, rowCount, range, weights, y, yStride)
  case .float16: addBlock(Float16Pairs.self, rows, rowCount, range, weights, y, yStride)
  }
}

/// Widens `count` k of a panel to binary32, outputs in order: what `.float32` holds as stored.
func widenBlock(_ weights: WeightBlock, count: Int, into target: UnsafeMutableRawPointer) {
  switch weights.format {
  case .float32: widen(Float32Pairs.self, weights, count, target)
  case .bfloat16: widen(BFloat16Pairs.self, weights, count, target)
  case .float16: widen(Float16Pairs.self, weights, count, target)
  }
}

@inline(__always)
private func widen<Source: PairSource>(
  _ source: Source.Type, _ weights: WeightBlock, _ count: Int, _ target: UnsafeMutableRawPointer
) {
  switch weights.width {
  case .wide: widen(source, SIMD16<Float>.self, weights, count, target)
  case .medium: widen(source, SIMD8<Float>.self, weights, count, target)
  case .narrow: widen(source, SIMD4<Float>.self, weights, count, target)
  }
}

@inline(__always)
private func widen<Source: PairSource, Lanes: ChainLanes>(
  _ source: Source.Type, _ lanes: Lanes.Type, _ weights: WeightBlock, _ count: Int,
  _ target: UnsafeMutableRawPointer
) {
  let half = MemoryLayout<Lanes>.size
  for k in 0..<count {
    let pair: Pair<Lanes> = Source.pair(weights.base + k * weights.stride)
    target.storeBytes(of: pair.low, toByteOffset: 2 * k * half, as: Lanes.self)
    target.storeBytes(of: pair.high, toByteOffset: (2 * k + 1) * half, as: Lanes.self)
  }
}

@inline(__always)
private func addBlock<Source: PairSource>(
  _ source: Source.Type, _ rows: UnsafePointer<UnsafePointer<Float>>, _ rowCount: Int,
  _ range: Range<Int>, _ weights: WeightBlock, _ y: UnsafeMutablePointer<Float>, _ yStride: Int
) {
  switch weights.width {
  case .wide: addBlock(source, SIMD16<Float>.self, rows, rowCount, range, weights, y, yStride)
  case .medium: addBlock(source, SIMD8<Float>.self, rows, rowCount, range, weights, y, yStride)
  case .narrow: addBlock(source, SIMD4<Float>.self, rows, rowCount, range, weights, y, yStride)
  }
}

@inline(__always)
private func addBlock<Source: PairSource, Lanes: ChainLanes>(
  _ source: Source.Type, _ lanes: Lanes.Type, _ rows: UnsafePointer<UnsafePointer<Float>>,
  _ rowCount: Int, _ range: Range<Int>, _ weights: WeightBlock,
  _ y: UnsafeMutablePointer<Float>, _ yStride: Int
) {
  switch rowCount {
  case 8: chain(source, EightRows<Lanes>.self, rows, range, weights, y, yStride)
  case 4: chain(source, FourRows<Lanes>.self, rows, range, weights, y, yStride)
  default: chain(source, OneRow<Lanes>.self, rows, range, weights, y, yStride)
  }
}

@inline(__always)
private func chain<Source: PairSource, Rows: RowGroup>(
  _ source: Source.Type, _ group: Rows.Type, _ rows: UnsafePointer<UnsafePointer<Float>>,
  _ range: Range<Int>, _ weights: WeightBlock, _ y: UnsafeMutablePointer<Float>, _ yStride: Int
) {
  var sums = Rows()
  var position = weights.base
  let stride = weights.stride
  var k = range.lowerBound
  while k < range.upperBound {
    sums.add(Source.pair(position), times: rows, at: k)
    position += stride
    k &+= 1
  }
  sums.addTotals(to: y, stride: yStride)
}

// MARK: Two vectors of outputs

/// A pair of vectors: the first and the second half of a panel's outputs.
private struct Pair<Lanes: ChainLanes> {
  var low: Lanes
  var high: Lanes

  @inline(__always) init(low: Lanes, high: Lanes) {
    self.low = low
    self.high = high
  }

  @inline(__always) init() {
    low = .zero
    high = .zero
  }

  @inline(__always) mutating func add(_ weights: Pair, times x: Float) {
    let repeated = Lanes(repeating: x)
    low.addProduct(weights.low, repeated)
    high.addProduct(weights.high, repeated)
  }

  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>) {
    let first = UnsafeMutableRawPointer(y)
    let second = UnsafeMutableRawPointer(y + Lanes.scalarCount)
    first.storeBytes(of: first.loadUnaligned(as: Lanes.self) + low, as: Lanes.self)
    second.storeBytes(of: second.loadUnaligned(as: Lanes.self) + high, as: Lanes.self)
  }
}

/// A vector of outputs, and the vector of the bits of as many weights.
private protocol ChainLanes: SIMD where Scalar == Float {
  associatedtype Bits: SIMD where Bits.Scalar == UInt32
}

extension SIMD16<Float>: ChainLanes { fileprivate typealias Bits = SIMD16<UInt32> }
extension SIMD8<Float>: ChainLanes { fileprivate typealias Bits = SIMD8<UInt32> }
extension SIMD4<Float>: ChainLanes { fileprivate typealias Bits = SIMD4<UInt32> }

// MARK: Formats

/// How one k of a panel is stored, and widened while it is read.
///
/// The two-byte formats keep output `j` in the low and output `j + width/2` in the high half of
/// 32-bit lane `j`: widening is then a shift and a mask, with nothing to move between lanes.
private protocol PairSource {
  static func pair<Lanes: ChainLanes>(_ at: UnsafeRawPointer) -> Pair<Lanes>
}

private enum Float32Pairs: PairSource {
  @inline(__always) static func pair<Lanes: ChainLanes>(_ at: UnsafeRawPointer) -> Pair<Lanes> {
    Pair(
      low: at.loadUnaligned(as: Lanes.self),
      high: (at + MemoryLayout<Lanes>.size).loadUnaligned(as: Lanes.self))
  }
}

/// A bfloat16 is the upper half of the binary32 of the same value.
private enum BFloat16Pairs: PairSource {
  @inline(__always) static func pair<Lanes: ChainLanes>(_ at: UnsafeRawPointer) -> Pair<Lanes> {
    let bits = at.loadUnaligned(as: Lanes.Bits.self)
    return Pair(
      low: unsafeBitCast(bits &<< 16, to: Lanes.self),
      high: unsafeBitCast(bits & 0xffff_0000, to: Lanes.self))
  }
}

/// A binary16's exponent and fraction, put where those of a binary32 stand, are the value times
/// 2^-112, subnormals included; multiplying by 2^112 is exact. Infinity and NaN then still miss
/// the upper bits of their exponent.
private enum Float16Pairs: PairSource {
  @inline(__always) static func pair<Lanes: ChainLanes>(_ at: UnsafeRawPointer) -> Pair<Lanes> {
    let bits = at.loadUnaligned(as: Lanes.Bits.self)
    return Pair(
      low: widen(shifted: bits &<< 13, sign: bits &<< 16),
      high: widen(shifted: bits &>> 3, sign: bits))
  }

  @inline(__always) static func widen<Lanes: ChainLanes>(
    shifted: Lanes.Bits, sign: Lanes.Bits
  ) -> Lanes {
    let magnitude = shifted & 0x0fff_e000
    let scaled =
      unsafeBitCast(magnitude, to: Lanes.self) * Lanes(repeating: Float(bitPattern: 0x7780_0000))
    // One where the exponent is all ones: the addition then carries into bit 28.
    let special = (magnitude &+ 0x0080_0000) &>> 28
    let exponent = (Lanes.Bits.zero &- special) & 0x7f80_0000
    let bits = unsafeBitCast(scaled, to: Lanes.Bits.self) | exponent | (sign & 0x8000_0000)
    return unsafeBitCast(bits, to: Lanes.self)
  }
}

// MARK: Rows held in registers

private protocol RowGroup {
  associatedtype Lanes: ChainLanes
  init()
  mutating func add(
    _ weights: Pair<Lanes>, times x: UnsafePointer<UnsafePointer<Float>>, at k: Int)
  func addTotals(to y: UnsafeMutablePointer<Float>, stride: Int)
}

private struct OneRow<Lanes: ChainLanes>: RowGroup {
  private var row = Pair<Lanes>()
  @inline(__always) init() {}
  @inline(__always) mutating func add(
    _ weights: Pair<Lanes>, times x: UnsafePointer<UnsafePointer<Float>>, at k: Int
  ) { row.add(weights, times: x[0][k]) }
  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>, stride: Int) {
    row.addTotals(to: y)
  }
}

private struct FourRows<Lanes: ChainLanes>: RowGroup {
  private var (a, b, c, d) = (Pair<Lanes>(), Pair<Lanes>(), Pair<Lanes>(), Pair<Lanes>())
  @inline(__always) init() {}
  @inline(__always) mutating func add(
    _ weights: Pair<Lanes>, times x: UnsafePointer<UnsafePointer<Float>>, at k: Int
  ) {
    a.add(weights, times: x[0][k])
    b.add(weights, times: x[1][k])
    c.add(weights, times: x[2][k])
    d.add(weights, times: x[3][k])
  }
  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>, stride: Int) {
    a.addTotals(to: y)
    b.addTotals(to: y + stride)
    c.addTotals(to: y + 2 * stride)
    d.addTotals(to: y + 3 * stride)
  }
}

private struct EightRows<Lanes: ChainLanes>: RowGroup {
  private var first = FourRows<Lanes>()
  private var second = FourRows<Lanes>()
  @inline(__always) init() {}
  @inline(__always) mutating func add(
    _ weights: Pair<Lanes>, times x: UnsafePointer<UnsafePointer<Float>>, at k: Int
  ) {
    first.add(weights, times: x, at: k)
    second.add(weights, times: x + 4, at: k)
  }
  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>, stride: Int) {
    first.addTotals(to: y, stride: stride)
    second.addTotals(to: y + 4 * stride, stride: stride)
  }
}
