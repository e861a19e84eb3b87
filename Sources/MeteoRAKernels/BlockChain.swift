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
// and would not specialise what it finds elsewhere. There is one loop, `BlockLoop`; what varies are
// its types: where x is read (`InputRows`), how weights are stored (`WeightSource`), and the sums
// that are held, rows (`RowGroup`) of outputs (`PanelOutputs`), made of halves.

/// The rows of the smallest loop that takes `rows`, 1 to 8.
func rowsOfLoop(taking rows: Int) -> Int { rows > 4 ? 8 : rows > 1 ? 4 : 1 }

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
  withSource(
    of: weights,
    BlockLoop(
      x: ScatteredRows(rows: rows, k: range.lowerBound), rowCount: rowCount,
      part: BlockPart(count: range.count), weights: weights, upcoming: nil, y: y,
      yStride: yStride))
}

/// As ``addBlock(rows:rowCount:range:weights:to:yStride:)``, of two panels of 32 outputs at
/// a time: memory is read in two places, and an element of x is used twice.
///
/// - Parameters:
///   - rowCount: 1 or 4.
///   - distance: Bytes from the weights to those of the panel behind, whose outputs are the next in
///     y.
func addBlock(
  rows: UnsafePointer<UnsafePointer<Float>>, rowCount: Int, range: Range<Int>,
  weights: WeightBlock, andPanelBehind distance: Int, to y: UnsafeMutablePointer<Float>,
  yStride: Int
) {
  let loop = BlockLoop(
    x: ScatteredRows(rows: rows, k: range.lowerBound), rowCount: rowCount,
    part: BlockPart(count: range.count), weights: weights, upcoming: nil, y: y, yStride: yStride)
  withSource(of: weights, TwoPanelLoop(loop: loop, distance: distance))
}

/// Adds a chain of a group of interleaved rows, or a part of one, to `y`.
///
/// - Parameters:
///   - x: Row r's element k of this part at `x[k * rowCount + r]`.
///   - rowCount: 4 or 8.
///   - part: Which k of the block, at most 128 of them in all.
///   - upcoming: Memory to bring nearer meanwhile.
///   - y: As for ``addBlock(rows:rowCount:range:weights:to:yStride:)``.
func addBlock(
  interleaved x: UnsafePointer<Float>, rowCount: Int, part: BlockPart, weights: WeightBlock,
  upcoming: UpcomingLines?, to y: UnsafeMutablePointer<Float>, yStride: Int
) {
  withSource(
    of: weights,
    BlockLoop(
      x: InterleavedRows(next: x, rowCount: rowCount), rowCount: rowCount, part: part,
      weights: weights, upcoming: upcoming, y: y, yStride: yStride))
}

/// Widens `count` k of a panel to binary32, outputs in order: what `.float32` holds as stored.
func widenBlock(_ weights: WeightBlock, count: Int, into target: UnsafeMutableRawPointer) {
  withSource(of: weights, WideningLoop(weights: weights, count: count, target: target))
}

// MARK: Loops

/// What is done with weights, whatever their format.
private protocol WeightWork {
  func run<Source: WeightSource>(_ source: Source)
}

@inline(__always)
private func withSource<Work: WeightWork>(of weights: WeightBlock, _ work: Work) {
  switch (weights.format, weights.width) {
  case (.float32, .wide): work.run(Float32Pairs())
  case (.float32, .medium): work.run(Float32Singles<SIMD16<Float>>())
  case (.float32, .narrow): work.run(Float32Singles<SIMD8<Float>>())
  case (.bfloat16, .wide): work.run(BFloat16Pairs<SIMD16<Float>>())
  case (.bfloat16, .medium): work.run(BFloat16Pairs<SIMD8<Float>>())
  case (.bfloat16, .narrow): work.run(BFloat16Pairs<SIMD4<Float>>())
  case (.float16, .wide) where weights.isFinite: work.run(FiniteFloat16Pairs<SIMD16<Float>>())
  case (.float16, .wide): work.run(Float16Pairs<SIMD16<Float>>())
  case (.float16, .medium): work.run(Float16Pairs<SIMD8<Float>>())
  case (.float16, .narrow): work.run(Float16Pairs<SIMD4<Float>>())
  }
}

private struct BlockLoop<X: InputRows>: WeightWork {
  let x: X
  let rowCount: Int
  let part: BlockPart
  let weights: WeightBlock
  let upcoming: UpcomingLines?
  let y: UnsafeMutablePointer<Float>
  let yStride: Int

  @inline(__always)
  func run<Source: WeightSource>(_ source: Source) {
    typealias One = OneRow<Source.Outputs>
    switch rowCount {
    case 8: add(source, to: TwiceTheRows<TwiceTheRows<TwiceTheRows<One>>>())
    case 4: add(source, to: TwiceTheRows<TwiceTheRows<One>>())
    default: add(source, to: One())
    }
  }

  @inline(__always)
  private func add<Source: WeightSource, Rows: RowGroup>(_ source: Source, to zero: Rows)
  where Rows.Outputs == Source.Outputs {
    var sums = zero
    if let start = part.sums, !part.isFirst { sums.load(from: start) }
    var x = x
    var lines = upcoming
    var position = weights.base
    var k = 0
    while k < part.count {
      var stop = part.count
      if let interval = lines?.interval {
        lines?.touchNext()
        stop = min(k &+ interval, stop)
      }
      while k < stop {
        sums.add(source.outputs(at: position), times: x, from: 0)
        x.advance()
        position += weights.stride
        k &+= 1
      }
    }
    lines?.bearWitness()
    if let end = part.sums, !part.isLast {
      sums.store(to: end)
    } else {
      sums.addTotals(to: y, stride: yStride)
    }
  }
}

private struct TwoPanelLoop<X: InputRows>: WeightWork {
  let loop: BlockLoop<X>
  let distance: Int

  @inline(__always)
  func run<Source: WeightSource>(_ source: Source) {
    loop.run(TwoPanels(panel: source, distance: distance))
  }
}

private struct WideningLoop: WeightWork {
  let weights: WeightBlock
  let count: Int
  let target: UnsafeMutableRawPointer

  @inline(__always)
  func run<Source: WeightSource>(_ source: Source) {
    let size = Source.Outputs.width * MemoryLayout<Float>.size
    for k in 0..<count {
      source.outputs(at: weights.base + k * weights.stride).store(
        to: (target + k * size).assumingMemoryBound(to: Float.self))
    }
  }
}

// MARK: Outputs held in registers

/// The outputs of a panel in registers.
private protocol PanelOutputs {
  static var width: Int { get }
  init()
  mutating func add(_ weights: Self, times x: Float)
  mutating func load(from sums: UnsafePointer<Float>)
  func store(to sums: UnsafeMutablePointer<Float>)
  func addTotals(to y: UnsafeMutablePointer<Float>)
}

/// The first and the second half of the outputs.
private struct Twice<Half: PanelOutputs>: PanelOutputs {
  private var low: Half
  private var high: Half

  @inline(__always) init(_ low: Half, _ high: Half) {
    self.low = low
    self.high = high
  }

  @inline(__always) init() { self.init(Half(), Half()) }

  @inline(__always) static var width: Int { 2 * Half.width }

  @inline(__always) mutating func add(_ weights: Twice, times x: Float) {
    low.add(weights.low, times: x)
    high.add(weights.high, times: x)
  }

  @inline(__always) mutating func load(from sums: UnsafePointer<Float>) {
    low.load(from: sums)
    high.load(from: sums + Half.width)
  }

  @inline(__always) func store(to sums: UnsafeMutablePointer<Float>) {
    low.store(to: sums)
    high.store(to: sums + Half.width)
  }

  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>) {
    low.addTotals(to: y)
    high.addTotals(to: y + Half.width)
  }
}

/// Two vectors.
private typealias Pair<Lanes: ChainLanes> = Twice<Single<Lanes>>

/// One vector.
private struct Single<Lanes: ChainLanes>: PanelOutputs {
  private var lanes: Lanes

  @inline(__always) init(_ lanes: Lanes) { self.lanes = lanes }

  @inline(__always) init() { lanes = .zero }

  @inline(__always) static var width: Int { Lanes.scalarCount }

  @inline(__always) mutating func add(_ weights: Single, times x: Float) {
    lanes.addProduct(weights.lanes, Lanes(repeating: x))
  }

  @inline(__always) mutating func load(from sums: UnsafePointer<Float>) {
    lanes = UnsafeRawPointer(sums).loadUnaligned(as: Lanes.self)
  }

  @inline(__always) func store(to sums: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(sums).storeBytes(of: lanes, as: Lanes.self)
  }

  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>) {
    let target = UnsafeMutableRawPointer(y)
    target.storeBytes(of: target.loadUnaligned(as: Lanes.self) + lanes, as: Lanes.self)
  }
}

/// A vector of outputs, and the vector of the bits of as many weights.
private protocol ChainLanes: SIMD where Scalar == Float {
  associatedtype Bits: SIMD where Bits.Scalar == UInt32
  associatedtype SignedBits: SIMD where SignedBits.Scalar == Int32
}

extension SIMD16<Float>: ChainLanes {
  fileprivate typealias Bits = SIMD16<UInt32>
  fileprivate typealias SignedBits = SIMD16<Int32>
}
extension SIMD8<Float>: ChainLanes {
  fileprivate typealias Bits = SIMD8<UInt32>
  fileprivate typealias SignedBits = SIMD8<Int32>
}
extension SIMD4<Float>: ChainLanes {
  fileprivate typealias Bits = SIMD4<UInt32>
  fileprivate typealias SignedBits = SIMD4<Int32>
}

// MARK: Formats

/// How one k of a panel is stored, and widened while it is read.
///
/// The two-byte formats keep output `j` in the low and output `j + width/2` in the high half of
/// 32-bit lane `j`: widening is then a shift and a mask, with nothing to move between lanes.
private protocol WeightSource {
  associatedtype Outputs: PanelOutputs
  func outputs(at: UnsafeRawPointer) -> Outputs
}

/// A panel and the one behind it.
private struct TwoPanels<Panel: WeightSource>: WeightSource {
  let panel: Panel
  let distance: Int
  @inline(__always) func outputs(at: UnsafeRawPointer) -> Twice<Panel.Outputs> {
    Twice(panel.outputs(at: at), panel.outputs(at: at + distance))
  }
}

private struct Float32Pairs: WeightSource {
  @inline(__always) func outputs(at: UnsafeRawPointer) -> Pair<SIMD16<Float>> {
    Pair(
      Single(at.loadUnaligned(as: SIMD16<Float>.self)),
      Single((at + 64).loadUnaligned(as: SIMD16<Float>.self)))
  }
}

private struct Float32Singles<Lanes: ChainLanes>: WeightSource {
  @inline(__always) func outputs(at: UnsafeRawPointer) -> Single<Lanes> {
    Single(at.loadUnaligned(as: Lanes.self))
  }
}

/// A bfloat16 is the upper half of the binary32 of the same value.
private struct BFloat16Pairs<Lanes: ChainLanes>: WeightSource {
  @inline(__always) func outputs(at: UnsafeRawPointer) -> Pair<Lanes> {
    let bits = at.loadUnaligned(as: Lanes.Bits.self)
    return Pair(
      Single(unsafeBitCast(bits &<< 16, to: Lanes.self)),
      Single(unsafeBitCast(bits & 0xffff_0000, to: Lanes.self)))
  }
}

/// A binary16's exponent and fraction, put where those of a binary32 stand, are the value times
/// 2^-112, subnormals included; multiplying by 2^112 is exact. Infinity and NaN then still miss
/// the upper bits of their exponent.
private struct Float16Pairs<Lanes: ChainLanes>: WeightSource {
  @inline(__always) func outputs(at: UnsafeRawPointer) -> Pair<Lanes> {
    let bits = at.loadUnaligned(as: Lanes.Bits.self)
    return Pair(
      Single(widen(shifted: bits &<< 13, sign: bits &<< 16)),
      Single(widen(shifted: bits &>> 3, sign: bits)))
  }

  @inline(__always) private func widen(shifted: Lanes.Bits, sign: Lanes.Bits) -> Lanes {
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

/// Without infinity and NaN the multiplication is enough, and the sign may come along.
private struct FiniteFloat16Pairs<Lanes: ChainLanes>: WeightSource {
  @inline(__always) func outputs(at: UnsafeRawPointer) -> Pair<Lanes> {
    let bits = at.loadUnaligned(as: Lanes.Bits.self)
    return Pair(Single(widen(upperHalf: bits &<< 16)), Single(widen(upperHalf: bits)))
  }

  @inline(__always) private func widen(upperHalf: Lanes.Bits) -> Lanes {
    let bits = unsafeBitCast(upperHalf, to: Lanes.SignedBits.self)
    let shifted = unsafeBitCast(bits &>> 3, to: Lanes.Bits.self) & 0x8fff_e000
    return unsafeBitCast(shifted, to: Lanes.self)
      * Lanes(repeating: Float(bitPattern: 0x7780_0000))
  }
}

// MARK: Rows held in registers

/// Where the elements of a group's rows are read, one k after the other.
private protocol InputRows {
  func element(ofRow row: Int) -> Float
  mutating func advance()
}

private struct ScatteredRows: InputRows {
  let rows: UnsafePointer<UnsafePointer<Float>>
  var k: Int
  @inline(__always) func element(ofRow row: Int) -> Float { rows[row][k] }
  @inline(__always) mutating func advance() { k &+= 1 }
}

private struct InterleavedRows: InputRows {
  var next: UnsafePointer<Float>
  let rowCount: Int
  @inline(__always) func element(ofRow row: Int) -> Float { next[row] }
  @inline(__always) mutating func advance() { next += rowCount }
}

/// The sums of some rows.
private protocol RowGroup {
  associatedtype Outputs: PanelOutputs
  static var count: Int { get }
  init()
  /// - Parameter first: The row of x that is the group's first.
  mutating func add<X: InputRows>(_ weights: Outputs, times x: X, from first: Int)
  mutating func load(from sums: UnsafePointer<Float>)
  func store(to sums: UnsafeMutablePointer<Float>)
  func addTotals(to y: UnsafeMutablePointer<Float>, stride: Int)
}

private struct OneRow<Outputs: PanelOutputs>: RowGroup {
  private var row = Outputs()

  @inline(__always) init() {}

  @inline(__always) static var count: Int { 1 }

  @inline(__always)
  mutating func add<X: InputRows>(_ weights: Outputs, times x: X, from first: Int) {
    row.add(weights, times: x.element(ofRow: first))
  }

  @inline(__always) mutating func load(from sums: UnsafePointer<Float>) { row.load(from: sums) }

  @inline(__always) func store(to sums: UnsafeMutablePointer<Float>) { row.store(to: sums) }

  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>, stride: Int) {
    row.addTotals(to: y)
  }
}

private struct TwiceTheRows<Half: RowGroup>: RowGroup {
  private var upper = Half()
  private var lower = Half()

  @inline(__always) init() {}

  @inline(__always) static var count: Int { 2 * Half.count }

  @inline(__always)
  mutating func add<X: InputRows>(_ weights: Half.Outputs, times x: X, from first: Int) {
    upper.add(weights, times: x, from: first)
    lower.add(weights, times: x, from: first + Half.count)
  }

  @inline(__always) mutating func load(from sums: UnsafePointer<Float>) {
    upper.load(from: sums)
    lower.load(from: sums + Half.count * Half.Outputs.width)
  }

  @inline(__always) func store(to sums: UnsafeMutablePointer<Float>) {
    upper.store(to: sums)
    lower.store(to: sums + Half.count * Half.Outputs.width)
  }

  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>, stride: Int) {
    upper.addTotals(to: y, stride: stride)
    lower.addTotals(to: y + Half.count * stride, stride: stride)
  }
}
