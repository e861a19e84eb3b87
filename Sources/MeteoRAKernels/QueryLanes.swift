// QueryLanes: the inner loops of attention for many queries of one kv head, side by side.
//
//   s[r][q] = +0;  for k ascending { s[r][q] = fma(w[k][q], x[k][r], s[r][q]) }   one block of k
//   y[r][q] = y[r][q] + s[r][q]
//
//            8 rows r of a panel             32 queries q ─▶
//   x[k]     ▪▪▪▪▪▪▪▪              w[k]  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪│▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪     two vectors
//
//             k                    x                          w               y
//   scores    element of a head    keys [k][32 positions]     queries         [position][query]
//   values    position             values [k][32 elements]    probabilities   [element][query]
//
// Both products are this loop, and the result of the first is the w of the second as it stands.
// Lanes are queries, so that maximum, exponential and sum of a softmax need nothing across lanes.
// Eight rows by two vectors keep 16 chains in flight, which covers the latency of fma; w stays in
// the first-level cache, and each byte of x is used by 32 queries.
//
// Vector, products and softmax stand in one file: a debug build compiles file by file, and would
// call what it finds elsewhere for every vector.

/// The number of queries side by side.
let queryLanes = 32

/// How many positions more than the first the queries see, in lanes.
struct LaneExcess {
  private var low: SIMD16<Int32>
  private var high: SIMD16<Int32>

  /// - Parameter excess: 32 numbers.
  init(_ excess: UnsafePointer<Int32>) {
    let address = UnsafeRawPointer(excess)
    low = address.loadUnaligned(as: SIMD16<Int32>.self)
    high = (address + 64).loadUnaligned(as: SIMD16<Int32>.self)
  }

  /// All ones in the lanes that see position `offset` behind those that all see.
  @inline(__always)
  fileprivate func mask(at offset: Int) -> LaneMask {
    let position = SIMD16(repeating: Int32(truncatingIfNeeded: offset))
    return LaneMask(
      low: unsafeBitCast((position &- low) &>> 31, to: SIMD16<UInt32>.self),
      high: unsafeBitCast((position &- high) &>> 31, to: SIMD16<UInt32>.self))
  }
}

private struct LaneMask {
  var low: SIMD16<UInt32>
  var high: SIMD16<UInt32>
}

/// A number for each query.
struct QueryVector {
  private var low: SIMD16<Float>
  private var high: SIMD16<Float>

  @inline(__always) init(repeating value: Float) {
    low = SIMD16(repeating: value)
    high = low
  }

  @inline(__always) fileprivate init(_ start: UnsafePointer<Float>) {
    let address = UnsafeRawPointer(start)
    low = address.loadUnaligned(as: SIMD16<Float>.self)
    high = (address + 64).loadUnaligned(as: SIMD16<Float>.self)
  }

  @inline(__always) fileprivate func store(to start: UnsafeMutablePointer<Float>) {
    let address = UnsafeMutableRawPointer(start)
    address.storeBytes(of: low, as: SIMD16<Float>.self)
    (address + 64).storeBytes(of: high, as: SIMD16<Float>.self)
  }

  @inline(__always) fileprivate mutating func addProduct(_ other: QueryVector, _ x: Float) {
    low.addProduct(other.low, SIMD16(repeating: x))
    high.addProduct(other.high, SIMD16(repeating: x))
  }

  @inline(__always) fileprivate mutating func add(_ other: QueryVector) {
    low += other.low
    high += other.high
  }

  @inline(__always) fileprivate mutating func subtract(_ other: QueryVector) {
    low -= other.low
    high -= other.high
  }

  @inline(__always) fileprivate mutating func divide(by other: QueryVector) {
    low /= other.low
    high /= other.high
  }

  @inline(__always) fileprivate mutating func scale(by factor: Float) {
    low *= factor
    high *= factor
  }

  /// Takes what is greater; a NaN is not.
  @inline(__always) fileprivate mutating func raise(to other: QueryVector) {
    low.replace(with: other.low, where: other.low .> low)
    high.replace(with: other.high, where: other.high .> high)
  }

  /// Takes `other` outside of `mask`.
  @inline(__always) fileprivate mutating func keep(_ mask: LaneMask, orElse other: QueryVector) {
    low = Self.select(low, other.low, mask.low)
    high = Self.select(high, other.high, mask.high)
  }

  @inline(__always) private static func select(
    _ a: SIMD16<Float>, _ b: SIMD16<Float>, _ mask: SIMD16<UInt32>
  ) -> SIMD16<Float> {
    typealias Bits = SIMD16<UInt32>
    let bits = (unsafeBitCast(a, to: Bits.self) & mask) | (unsafeBitCast(b, to: Bits.self) & ~mask)
    return unsafeBitCast(bits, to: SIMD16<Float>.self)
  }
}

// MARK: Products

/// Adds the chain over `count` k of eight rows to their totals.
///
/// - Parameters:
///   - x: Row r's element of k at `x[k * stride + r]`.
///   - w: `[count, 32]`.
///   - seenByAll: The k from there on are positions that only some queries see.
///   - excess: Of the queries, counted from k = `seenByAll`.
///   - y: `[8, 32]`.
///   - isFirst: Whether the totals are +0 yet, whatever stands there.
func addEightRows(
  _ x: UnsafePointer<Float>, stride: Int, by w: UnsafePointer<Float>, count: Int,
  seenByAll: Int, excess: LaneExcess, to y: UnsafeMutablePointer<Float>, isFirst: Bool
) {
  var sums = EightRows()
  var x = x
  var w = w
  var k = 0
  while k < seenByAll {
    sums.add(QueryVector(w), times: x)
    x += stride
    w += queryLanes
    k &+= 1
  }
  while k < count {
    sums.add(QueryVector(w), times: x, where: excess.mask(at: k &- seenByAll))
    x += stride
    w += queryLanes
    k &+= 1
  }
  sums.addTotals(to: y, isFirst: isFirst)
}

/// The sums of some rows, made of halves as those of `BlockChain.swift`.
private protocol QueryRows {
  static var count: Int { get }
  init()
  /// - Parameter x: The elements of the rows, side by side.
  mutating func add(_ w: QueryVector, times x: UnsafePointer<Float>)
  /// Leaves the other lanes as they are: what a query does not see may be NaN.
  mutating func add(_ w: QueryVector, times x: UnsafePointer<Float>, where mask: LaneMask)
  func addTotals(to y: UnsafeMutablePointer<Float>, isFirst: Bool)
}

private typealias EightRows = TwiceTheRows<TwiceTheRows<TwiceTheRows<OneRow>>>

private struct OneRow: QueryRows {
  private var sum = QueryVector(repeating: 0)

  @inline(__always) init() {}

  @inline(__always) static var count: Int { 1 }

  @inline(__always) mutating func add(_ w: QueryVector, times x: UnsafePointer<Float>) {
    sum.addProduct(w, x[0])
  }

  @inline(__always) mutating func add(
    _ w: QueryVector, times x: UnsafePointer<Float>, where mask: LaneMask
  ) {
    let before = sum
    sum.addProduct(w, x[0])
    sum.keep(mask, orElse: before)
  }

  /// Not the sum itself where it is first: +0 + −0 is +0.
  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>, isFirst: Bool) {
    var total = isFirst ? QueryVector(repeating: 0) : QueryVector(y)
    total.add(sum)
    total.store(to: y)
  }
}

private struct TwiceTheRows<Half: QueryRows>: QueryRows {
  private var upper = Half()
  private var lower = Half()

  @inline(__always) init() {}

  @inline(__always) static var count: Int { 2 &* Half.count }

  @inline(__always) mutating func add(_ w: QueryVector, times x: UnsafePointer<Float>) {
    upper.add(w, times: x)
    lower.add(w, times: x + Half.count)
  }

  @inline(__always) mutating func add(
    _ w: QueryVector, times x: UnsafePointer<Float>, where mask: LaneMask
  ) {
    upper.add(w, times: x, where: mask)
    lower.add(w, times: x + Half.count, where: mask)
  }

  @inline(__always) func addTotals(to y: UnsafeMutablePointer<Float>, isFirst: Bool) {
    upper.addTotals(to: y, isFirst: isFirst)
    lower.addTotals(to: y + Half.count &* queryLanes, isFirst: isFirst)
  }
}

// MARK: Softmax

/// Multiplies the scores of `count` positions by `factor`, and raises `largest` to them.
///
/// - Parameters:
///   - scores: `[count, 32]`.
///   - seenByAll: Positions that all queries see; the others' scores become −∞ where not seen.
func scaleScores(
  _ scores: UnsafeMutablePointer<Float>, count: Int, by factor: Float, seenByAll: Int,
  excess: LaneExcess, largest: inout QueryVector
) {
  var greatest = largest
  var position = 0
  while position < seenByAll {
    let row = scores + position &* queryLanes
    var score = QueryVector(row)
    score.scale(by: factor)
    greatest.raise(to: score)
    score.store(to: row)
    position &+= 1
  }
  let nothing = QueryVector(repeating: -.infinity)
  while position < count {
    let row = scores + position &* queryLanes
    var score = QueryVector(row)
    score.scale(by: factor)
    score.keep(excess.mask(at: position &- seenByAll), orElse: nothing)
    greatest.raise(to: score)
    score.store(to: row)
    position &+= 1
  }
  largest = greatest
}

/// `x − m` of `count` positions.
func subtract(_ largest: QueryVector, from scores: UnsafeMutablePointer<Float>, count: Int) {
  for position in 0..<count {
    let row = scores + position &* queryLanes
    var score = QueryVector(row)
    score.subtract(largest)
    score.store(to: row)
  }
}

/// Adds the sum of one block of `count` positions to the denominators.
func addSum(
  of exponentials: UnsafePointer<Float>, count: Int, to denominators: inout QueryVector
) {
  var sum = QueryVector(repeating: 0)
  for position in 0..<count { sum.add(QueryVector(exponentials + position &* queryLanes)) }
  denominators.add(sum)
}

/// `e / D` of `count` positions.
func divide(
  _ exponentials: UnsafeMutablePointer<Float>, count: Int, by denominators: QueryVector
) {
  for position in 0..<count {
    let row = exponentials + position &* queryLanes
    var share = QueryVector(row)
    share.divide(by: denominators)
    share.store(to: row)
  }
}
