// PanelPacking: the rows of a panel, as stored, to the layout that products read.
//
//   row 0    k ─▶ a a a a …            k = 0   a b c d …   the panel's outputs side by side
//   row 1         b b b b …     ─▶     k = 1   a b c d …
//   row 2         c c c c …            k = 2   a b c d …
//   row 3         d d d d …            k = 3   a b c d …
//
// Four rows by four 32-bit words are transposed in registers: every processor has vectors of that
// size, and they keep up with memory. Two-byte weights are transposed in pairs, then the halves of
// output j and output j + width/2 are put together (`BlockChain.swift` says why). A cache line of
// each row is used up before the next; the lines that it becomes, as many, stay in the first-level
// cache meanwhile.
//
// Are all weights finite? Adding the lowest bit of the exponent carries into the place of the sign
// if all bits of the exponent are ones, that is for infinity and NaN alone.

/// The rows of a panel, or a part of each, as stored.
struct PanelRows {
  /// The first weight of the first row, at any alignment.
  var start: UnsafeRawPointer
  /// Bytes from a row to the next.
  var stride: Int
  /// Weights of a row.
  var count: Int
}

extension WeightMatrix.Panel {
  /// Writes the weights of `rows.count` k, `width` for each; those of missing outputs are zeros.
  ///
  /// - Returns: Whether all weights are finite.
  func pack(
    _ rows: PanelRows, format: WeightFormat, into target: UnsafeMutableRawPointer
  ) -> Bool {
    let carry = ExponentCarry(of: format)
    let isWhole = outputs == width.rawValue
    var (done, isFinite) = (0, true)
    if format == .float32 {
      if isWhole { (done, isFinite) = transpose(rows, by: WordStep(carry: carry), into: target) }
      let isRestFinite = copyRest(
        UInt32.self, of: rows, from: done, carry, into: target
      ) { $0 }
      return isFinite && isRestFinite
    }
    if isWhole {
      let step = PairStep(carry: carry, half: width.rawValue / 2 * rows.stride)
      (done, isFinite) = transpose(rows, by: step, into: target)
    }
    let isRestFinite = copyRest(UInt16.self, of: rows, from: done, carry, into: target) {
      Self.slot($0, width: width.rawValue)
    }
    return isFinite && isRestFinite
  }

  /// Transposes whole steps of k; returns how many k are done. (Never inlined: the loops of two
  /// kinds of steps would share too few registers.)
  @inline(never)
  private func transpose<Step: PackingStep>(
    _ rows: PanelRows, by step: Step, into target: UnsafeMutableRawPointer
  ) -> (done: Int, isFinite: Bool) {
    let whole = rows.count & ~(Step.count &- 1)
    let elementBytes = 16 / Step.count
    let (kStride, line) = (elementBytes &* width.rawValue, 64 / elementBytes)
    var sums = SIMD4<UInt32>.zero
    var first = 0
    while first < whole {
      let last = min(first + line, whole)
      for group in 0..<width.rawValue / Step.count {
        var source = rows.start + (4 &* group &* rows.stride &+ elementBytes &* first)
        var place = target + (first &* kStride &+ 16 &* group)
        for _ in 0..<(last &- first) / Step.count {
          sums |= step.transpose(source, rowStride: rows.stride, to: place, kStride: kStride)
          source += 16
          place += Step.count &* kStride
        }
      }
      first = last
    }
    return (whole, step.carry.isAbsent(in: sums))
  }

  /// What is no whole vector, and panels that lack outputs. `slot` is the place of an output among
  /// the `width` weights of one k. Returns whether all are finite.
  @inline(__always)
  private func copyRest<Element: FixedWidthInteger>(
    _ element: Element.Type, of rows: PanelRows, from done: Int, _ carry: ExponentCarry,
    into target: UnsafeMutableRawPointer, slot: (Int) -> Int
  ) -> Bool {
    let target = target.assumingMemoryBound(to: Element.self)
    var sum: UInt32 = 0
    for output in 0..<width.rawValue {
      let place = target + slot(output)
      if output < outputs {
        let row = rows.start + output * rows.stride
        for k in done..<rows.count {
          let bits = row.loadUnaligned(
            fromByteOffset: k * MemoryLayout<Element>.size, as: Element.self)
          place[k * width.rawValue] = bits
          sum |= carry.sum(of: UInt32(truncatingIfNeeded: bits))
        }
      } else {
        for k in done..<rows.count { place[k * width.rawValue] = 0 }
      }
    }
    return carry.isAbsent(in: SIMD4(sum, 0, 0, 0))
  }
}

/// What is transposed at once: 16 bytes of each of some rows.
private protocol PackingStep {
  /// The number of k, which is that of the outputs, too.
  static var count: Int { get }
  var carry: ExponentCarry { get }
  /// Returns the sums of all weights' exponents.
  func transpose(
    _ source: UnsafeRawPointer, rowStride: Int, to place: UnsafeMutableRawPointer, kStride: Int
  ) -> SIMD4<UInt32>
}

/// Binary32 weights: 4 k of 4 rows.
private struct WordStep: PackingStep {
  let carry: ExponentCarry

  @inline(__always) static var count: Int { 4 }

  @inline(__always) func transpose(
    _ source: UnsafeRawPointer, rowStride: Int, to place: UnsafeMutableRawPointer, kStride: Int
  ) -> SIMD4<UInt32> {
    let words = Words(at: source, stride: rowStride)
    words.transposed.store(at: place, stride: kStride)
    return carry.sums(of: words)
  }
}

/// Two-byte weights: 8 k of 4 rows and of 4 that are `half` bytes behind.
private struct PairStep: PackingStep {
  let carry: ExponentCarry
  let half: Int

  @inline(__always) static var count: Int { 8 }

  @inline(__always) func transpose(
    _ source: UnsafeRawPointer, rowStride: Int, to place: UnsafeMutableRawPointer, kStride: Int
  ) -> SIMD4<UInt32> {
    let low = Words(at: source, stride: rowStride)
    let high = Words(at: source + half, stride: rowStride)
    // A word is two weights of one output, for an even k and the next.
    low.lowerHalves(with: high).transposed.store(at: place, stride: 2 &* kStride)
    low.upperHalves(with: high).transposed.store(at: place + kStride, stride: 2 &* kStride)
    return carry.sums(of: low) | carry.sums(of: high)
  }
}

/// Four vectors of four words.
private struct Words {
  typealias Vector = SIMD4<UInt32>
  private var (a, b, c, d): (Vector, Vector, Vector, Vector)

  @inline(__always) private init(_ a: Vector, _ b: Vector, _ c: Vector, _ d: Vector) {
    (self.a, self.b, self.c, self.d) = (a, b, c, d)
  }

  @inline(__always) init(at start: UnsafeRawPointer, stride: Int) {
    a = start.loadUnaligned(as: Vector.self)
    b = (start + stride).loadUnaligned(as: Vector.self)
    c = (start + 2 &* stride).loadUnaligned(as: Vector.self)
    d = (start + 3 &* stride).loadUnaligned(as: Vector.self)
  }

  @inline(__always) func store(at start: UnsafeMutableRawPointer, stride: Int) {
    start.storeBytes(of: a, as: Vector.self)
    (start + stride).storeBytes(of: b, as: Vector.self)
    (start + 2 &* stride).storeBytes(of: c, as: Vector.self)
    (start + 3 &* stride).storeBytes(of: d, as: Vector.self)
  }

  /// Word i of vector j becomes word j of vector i.
  @inline(__always) var transposed: Words {
    let (first, second) = (SIMD8(lowHalf: a, highHalf: b), SIMD8(lowHalf: c, highHalf: d))
    let even = SIMD8(lowHalf: first.evenHalf, highHalf: second.evenHalf)
    let odd = SIMD8(lowHalf: first.oddHalf, highHalf: second.oddHalf)
    return Words(even.evenHalf, odd.evenHalf, even.oddHalf, odd.oddHalf)
  }

  /// The lower halves of these words, with those of `other` above.
  @inline(__always) func lowerHalves(with other: Words) -> Words {
    @inline(__always) func pairs(_ low: Vector, _ high: Vector) -> Vector {
      low & 0xffff | high &<< 16
    }
    return Words(pairs(a, other.a), pairs(b, other.b), pairs(c, other.c), pairs(d, other.d))
  }

  /// The upper halves of `other`'s words, with those of these below.
  @inline(__always) func upperHalves(with other: Words) -> Words {
    @inline(__always) func pairs(_ low: Vector, _ high: Vector) -> Vector {
      low &>> 16 | high & 0xffff_0000
    }
    return Words(pairs(a, other.a), pairs(b, other.b), pairs(c, other.c), pairs(d, other.d))
  }

  @inline(__always) func combined(_ convert: (Vector) -> Vector) -> Vector {
    convert(a) | convert(b) | convert(c) | convert(d)
  }
}

/// What shows infinities and NaNs among weights, one or two in a word.
private struct ExponentCarry {
  private let exponent: UInt32
  private let lowest: UInt32
  private let sign: UInt32

  init(of format: WeightFormat) {
    switch format {
    case .float32: (exponent, lowest, sign) = (0x7f80_0000, 0x0080_0000, 0x8000_0000)
    case .bfloat16: (exponent, lowest, sign) = (0x7f80_7f80, 0x0080_0080, 0x8000_8000)
    case .float16: (exponent, lowest, sign) = (0x7c00_7c00, 0x0400_0400, 0x8000_8000)
    }
  }

  /// Sums whose bits in the places of signs are set where an exponent is all ones.
  @inline(__always) func sums(of words: Words) -> SIMD4<UInt32> {
    let (exponent, lowest) = (
      SIMD4<UInt32>(repeating: exponent), SIMD4<UInt32>(repeating: lowest)
    )
    return words.combined { ($0 & exponent) &+ lowest }
  }

  @inline(__always) func sum(of word: UInt32) -> UInt32 { (word & exponent) &+ lowest }

  /// Whether no bit is set in the place of a sign.
  func isAbsent(in sums: SIMD4<UInt32>) -> Bool {
    (sums[0] | sums[1] | sums[2] | sums[3]) & sign == 0
  }
}
