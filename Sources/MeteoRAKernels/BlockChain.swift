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
// and would not specialise what it finds elsewhere. A kind of loop is a `ChainLoop`; `run` picks its
// types.

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
  run(
    RowLoop(rows: rows, range: range, weights: weights, y: y, yStride: yStride), weights,
    rowCount: rowCount)
}

/// As ``addBlock(rows:rowCount:range:weights:to:yStride:)``, of two panels of 32 outputs at a time:
/// memory is read in two places, and an element of x is used twice.
///
/// - Parameters:
///   - rowCount: 1 or 4.
///   - distance: Bytes from the weights to those of the panel behind, whose outputs are the next in y.
func addBlock(
  rows: UnsafePointer<UnsafePointer<Float>>, rowCount: Int, range: Range<Int>,
  weights: WeightBlock, andPanelBehind distance: Int, to y: UnsafeMutablePointer<Float>,
  yStride: Int
) {
  run(
    TwoPanelLoop(
      rows: rows, range: range, weights: weights, distance: distance, y: y, yStride: yStride),
    weights, rowCount: rowCount)
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
  upcoming: UpcomingLines, to y: UnsafeMutablePointer<Float>, yStride: Int
) {
  run(
    InterleavedLoop(
      x: x, part: part, weights: weights, upcoming: upcoming, y: y, yStride: yStride), weights,
    rowCount: rowCount)
}

/// Widens `count` k of a panel to binary32, outputs in order: what `.float32` holds as stored.
func widenBlock(_ weights: WeightBlock, count: Int, into target: UnsafeMutableRawPointer) {
  run(WideningLoop(weights: weights, count: count, target: target), weights, rowCount: 1)
}

// MARK: Loops

private protocol ChainLoop {
  func run<Source: WeightSource, Rows: RowGroup>(_ source: Source.Type, _ group: Rows.Type)
  where Rows.Outputs == Source.Outputs
}

@inline(__always)
private func run<Loop: ChainLoop>(_ loop: Loop, _ weights: WeightBlock, rowCount: Int) {
  switch (weights.format, weights.width) {
  case (.float32, .wide): run(loop, Float32Pairs.self, rowCount)
  case (.float32, .medium): run(loop, Float32Singles<SIMD16<Float>>.self, rowCount)
  case (.float32, .narrow): run(loop, Float32Singles<SIMD8<Float>>.self, rowCount)
  case (.bfloat16, .wide): run(loop, BFloat16Pairs<SIMD16<Float>>.self, rowCount)
  case (.bfloat16, .medium): run(loop, BFloat16Pairs<SIMD8<Float>>.self, rowCount)
  case (.bfloat16, .narrow): run(loop, BFloat16Pairs<SIMD4<Float>>.self, rowCount)
  case (.float16, .wide) where weights.isFinite:
    run(loop, FiniteFloat16Pairs<SIMD16<Float>>.self, rowCount)
  case (.float16, .wide): run(loop, Float16Pairs<SIMD16<Float>>.self, rowCount)
  case (.float16, .medium): run(loop, Float16Pairs<SIMD8<Float>>.self, rowCount)
  case (.float16, .narrow): run(loop, Float16Pairs<SIMD4<Float>>.self, rowCount)
  }
}

@inline(__always)
private func run<Loop: ChainLoop, Source: WeightSource>(
  _ loop: Loop, _ source: Source.Type, _ rowCount: Int
) {
  switch rowCount {
  case 8: loop.run(source, EightRows<Source.Outputs>.self)
  case 4: loop.run(source, FourRows<Source.Outputs>.self)
  default: loop.run(source, OneRow<Source.Outputs>.self)
  }
}

private struct RowLoop: ChainLoop {
  let rows: UnsafePointer<UnsafePointer<Float>>
  let range: Range<Int>
  let weights: WeightBlock
  let y: UnsafeMutablePointer<Float>
  let yStride: Int

  @inline(__always)
  func run<Source: WeightSource, Rows: RowGroup>(_ source: Source.Type, _ group: Rows.Type)
  where Rows.Outputs == Source.Outputs {
    var sums = Rows()
    let x = ScatteredRows(rows: rows)
    var position = weights.base
    var k = range.lowerBound
    while k < range.upperBound {
      sums.add(Source.outputs(at: position), times: x, at: k)
      position += weights.stride
      k &+= 1
    }
    sums.addTotals(to: y, stride: yStride)
  }
}

private struct TwoPanelLoop: ChainLoop {
  let rows: UnsafePointer<UnsafePointer<Float>>
  let range: Range<Int>
  let weights: WeightBlock
  let distance: Int
  let y: UnsafeMutablePointer<Float>
  let yStride: Int

  @inline(__always)
  func run<Source: WeightSource, Rows: RowGroup>(_ source: Source.Type, _ group: Rows.Type)
  where Rows.Outputs == Source.Outputs {
    var (first, second) = (Rows(), Rows())
    let x = ScatteredRows(rows: rows)
    var position = weights.base
    var k = range.lowerBound
    while k < range.upperBound {
      first.add(Source.outputs(at: position), times: x, at: k)
      second.add(Source.outputs(at: position + distance), times: x, at: k)
      position += weights.stride
      k &+= 1
    }
    first.addTotals(to: y, stride: yStride)
    second.addTotals(to: y + Source.Outputs.width, stride: yStride)
  }
}

private struct InterleavedLoop: ChainLoop {
  let x: UnsafePointer<Float>
  let part: BlockPart
  let weights: WeightBlock
  let upcoming: UpcomingLines
  let y: UnsafeMutablePointer<Float>
  let yStride: Int

  @inline(__always)
  func run<Source: WeightSource, Rows: RowGroup>(_ source: Source.Type, _ group: Rows.Type)
  where Rows.Outputs == Source.Outputs {
    var sums = Rows()
    if let start = part.sums, !part.isFirst { sums.load(from: start) }
    var x = InterleavedRows(base: x)
    var position = weights.base
    var line = upcoming.base
    var touched: UInt32 = 0
    var k = 0
    while k < part.count {
      touched |= line.loadUnaligned(as: UInt32.self)
      line += 64
      let stop = min(k &+ upcoming.interval, part.count)
      while k < stop {
        sums.add(Source.outputs(at: position), times: x, at: 0)
        x.base += Rows.count
        position += weights.stride
        k &+= 1
      }
    }
    upcoming.witness.pointee = touched
    if let end = part.sums, !part.isLast {
      sums.store(to: end)
    } else {
      sums.addTotals(to: y, stride: yStride)
    }
  }
}

private struct WideningLoop: ChainLoop {
  let weights: WeightBlock
  let count: Int
  let target: UnsafeMutableRawPointer

  @inline(__always)
  func run<Source: WeightSource, Rows: RowGroup>(_ source: Source.Type, _ group: Rows.Type)
  where Rows.Outputs == Source.Outputs {
    let size = Source.Outputs.width * MemoryLayout<Float>.size
    for k in 0..<count {
      Source.outputs(at: weights.base + k * weights.stride).store(
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

/// Two vectors: the first and the second half of the outputs.
private struct Pair<Lanes: ChainLanes>: PanelOutputs {
  private var low: Single<Lanes>
  private var high: Single<Lanes>

  @inline(__always) init(low: Lanes, high: Lanes) {
    self.low = Single(low)
    self.high = Single(high)
  }

  @inline(__always) init() { self.init(low: .zero, high: .zero) }

  @inline(__always) static var width: Int { 2 * Lanes.scalarCount }

  @inline(__always) mutating func add(_ weights: Pair, times x: Float) {
    low.add(weights.low, times: x)
    high.add(weights.high, times: x)
  }

  @inline(__always) mutating func load(from sums: UnsafePointer<Float>) {
    low.load(from: sums)
    high.load(from: sums + Lanes.scalarCount)
  }

  @inline(__always) func store(to sums: UnsafeMutablePointer<Float>) {
    low.store(to: sums)
    high.store(to: sums + Lanes.scalarCount)
  }

  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>) {
    low.addTotals(to: y)
    high.addTotals(to: y + Lanes.scalarCount)
  }
}

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
  static func outputs(at: UnsafeRawPointer) -> Outputs
}

private enum Float32Pairs: WeightSource {
  @inline(__always) static func outputs(at: UnsafeRawPointer) -> Pair<SIMD16<Float>> {
    Pair(
      low: at.loadUnaligned(as: SIMD16<Float>.self),
      high: (at + 64).loadUnaligned(as: SIMD16<Float>.self))
  }
}

private enum Float32Singles<Lanes: ChainLanes>: WeightSource {
  @inline(__always) static func outputs(at: UnsafeRawPointer) -> Single<Lanes> {
    Single(at.loadUnaligned(as: Lanes.self))
  }
}

/// A bfloat16 is the upper half of the binary32 of the same value.
private enum BFloat16Pairs<Lanes: ChainLanes>: WeightSource {
  @inline(__always) static func outputs(at: UnsafeRawPointer) -> Pair<Lanes> {
    let bits = at.loadUnaligned(as: Lanes.Bits.self)
    return Pair(
      low: unsafeBitCast(bits &<< 16, to: Lanes.self),
      high: unsafeBitCast(bits & 0xffff_0000, to: Lanes.self))
  }
}

/// A binary16's exponent and fraction, put where those of a binary32 stand, are the value times
/// 2^-112, subnormals included; multiplying by 2^112 is exact. Infinity and NaN then still miss
/// the upper bits of their exponent.
private enum Float16Pairs<Lanes: ChainLanes>: WeightSource {
  @inline(__always) static func outputs(at: UnsafeRawPointer) -> Pair<Lanes> {
    let bits = at.loadUnaligned(as: Lanes.Bits.self)
    return Pair(
      low: widen(shifted: bits &<< 13, sign: bits &<< 16),
      high: widen(shifted: bits &>> 3, sign: bits))
  }

  @inline(__always) static func widen(shifted: Lanes.Bits, sign: Lanes.Bits) -> Lanes {
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
private enum FiniteFloat16Pairs<Lanes: ChainLanes>: WeightSource {
  @inline(__always) static func outputs(at: UnsafeRawPointer) -> Pair<Lanes> {
    let bits = at.loadUnaligned(as: Lanes.Bits.self)
    return Pair(low: widen(upperHalf: bits &<< 16), high: widen(upperHalf: bits))
  }

  @inline(__always) static func widen(upperHalf: Lanes.Bits) -> Lanes {
    let bits = unsafeBitCast(upperHalf, to: Lanes.SignedBits.self)
    let shifted = unsafeBitCast(bits &>> 3, to: Lanes.Bits.self) & 0x8fff_e000
    return unsafeBitCast(shifted, to: Lanes.self)
      * Lanes(repeating: Float(bitPattern: 0x7780_0000))
  }
}

// MARK: Rows held in registers

/// Where the elements of a group's rows are read.
private protocol RowElements {
  func element(row: Int, at k: Int) -> Float
}

private struct ScatteredRows: RowElements {
  var rows: UnsafePointer<UnsafePointer<Float>>
  @inline(__always) func element(row: Int, at k: Int) -> Float { rows[row][k] }
}

/// At the k that is next.
private struct InterleavedRows: RowElements {
  var base: UnsafePointer<Float>
  @inline(__always) func element(row: Int, at k: Int) -> Float { base[row] }
}

private protocol RowGroup {
  associatedtype Outputs: PanelOutputs
  static var count: Int { get }
  init()
  mutating func add<X: RowElements>(_ weights: Outputs, times x: X, at k: Int)
  mutating func load(from sums: UnsafePointer<Float>)
  func store(to sums: UnsafeMutablePointer<Float>)
  func addTotals(to y: UnsafeMutablePointer<Float>, stride: Int)
}

private struct OneRow<Outputs: PanelOutputs>: RowGroup {
  private var row = Outputs()
  @inline(__always) init() {}
  @inline(__always) static var count: Int { 1 }
  @inline(__always) mutating func add<X: RowElements>(
    _ weights: Outputs, times x: X, at k: Int
  ) { row.add(weights, times: x.element(row: 0, at: k)) }
  @inline(__always) mutating func load(from sums: UnsafePointer<Float>) { row.load(from: sums) }
  @inline(__always) func store(to sums: UnsafeMutablePointer<Float>) { row.store(to: sums) }
  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>, stride: Int) {
    row.addTotals(to: y)
  }
}

private struct FourRows<Outputs: PanelOutputs>: RowGroup {
  private var (a, b, c, d) = (Outputs(), Outputs(), Outputs(), Outputs())
  @inline(__always) init() {}
  @inline(__always) static var count: Int { 4 }
  @inline(__always) mutating func add<X: RowElements>(
    _ weights: Outputs, times x: X, at k: Int
  ) { add(weights, times: x, from: 0, at: k) }
  @inline(__always) mutating func add<X: RowElements>(
    _ weights: Outputs, times x: X, from first: Int, at k: Int
  ) {
    a.add(weights, times: x.element(row: first, at: k))
    b.add(weights, times: x.element(row: first + 1, at: k))
    c.add(weights, times: x.element(row: first + 2, at: k))
    d.add(weights, times: x.element(row: first + 3, at: k))
  }
  @inline(__always) mutating func load(from sums: UnsafePointer<Float>) {
    let width = Outputs.width
    a.load(from: sums)
    b.load(from: sums + width)
    c.load(from: sums + 2 * width)
    d.load(from: sums + 3 * width)
  }
  @inline(__always) func store(to sums: UnsafeMutablePointer<Float>) {
    let width = Outputs.width
    a.store(to: sums)
    b.store(to: sums + width)
    c.store(to: sums + 2 * width)
    d.store(to: sums + 3 * width)
  }
  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>, stride: Int) {
    a.addTotals(to: y)
    b.addTotals(to: y + stride)
    c.addTotals(to: y + 2 * stride)
    d.addTotals(to: y + 3 * stride)
  }
}

private struct EightRows<Outputs: PanelOutputs>: RowGroup {
  private var first = FourRows<Outputs>()
  private var second = FourRows<Outputs>()
  @inline(__always) init() {}
  @inline(__always) static var count: Int { 8 }
  @inline(__always) mutating func add<X: RowElements>(
    _ weights: Outputs, times x: X, at k: Int
  ) {
    first.add(weights, times: x, from: 0, at: k)
    second.add(weights, times: x, from: 4, at: k)
  }
  @inline(__always) mutating func load(from sums: UnsafePointer<Float>) {
    first.load(from: sums)
    second.load(from: sums + 4 * Outputs.width)
  }
  @inline(__always) func store(to sums: UnsafeMutablePointer<Float>) {
    first.store(to: sums)
    second.store(to: sums + 4 * Outputs.width)
  }
  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>, stride: Int) {
    first.addTotals(to: y, stride: stride)
    second.addTotals(to: y + 4 * stride, stride: stride)
  }
}
