import MeteoRAMath

// UpProjection: the second half of the low-rank update, for one panel of outputs.
//
//   terms of one adapter, four at a time:      B[panel], rank × width, stays in the first-level
//                                              cache up to a rank of 256 or so
//
//     u[j][o] = dot(B[o], z[j])       j = 0…3       z   ▪▪▪▪ ▪▪▪▪ ▪▪▪▪ …   four terms for every k
//     d[t[j]][o] = fma(c[j], u[j][o], d[t[j]][o])
//
// Terms of a token come in ascending adapter index, so each d is the chain of the contract. Where
// fewer than four terms are left, z and c are zero and t is a row behind the last token.

/// Four terms of an adapter side by side, as many times as it has them.
struct TermQuads {
  var count: Int
  /// `[count, rank, 4]`.
  var z: UnsafePointer<Float>
  /// `[count, 4]`: rows of d.
  var rows: UnsafePointer<Int32>
  /// `[count, 4]`: routing weight times scaling.
  var factors: UnsafePointer<Float>
}

/// Adds the terms of one adapter to `d`.
///
/// - Parameters:
///   - weights: A panel of B, `[rank, width]`, binary32.
///   - d: `[tokens + 1, width]`.
func addTerms(
  _ quads: TermQuads, rank: Int, weights: UnsafeRawPointer, width: PanelWidth,
  to d: UnsafeMutablePointer<Float>
) {
  let b = weights.assumingMemoryBound(to: Float.self)
  switch width {
  case .wide: addTerms(SIMD16<Float>.self, quads, rank, b, d)
  case .medium: addTerms(SIMD8<Float>.self, quads, rank, b, d)
  case .narrow: addTerms(SIMD4<Float>.self, quads, rank, b, d)
  }
}

@inline(__always)
private func addTerms<Lanes: SIMD>(
  _ lanes: Lanes.Type, _ quads: TermQuads, _ rank: Int, _ b: UnsafePointer<Float>,
  _ d: UnsafeMutablePointer<Float>
) where Lanes.Scalar == Float {
  let width = 2 * Lanes.scalarCount
  var z = quads.z
  for index in 0..<quads.count {
    var totals = FourUpdates<Lanes>()
    for first in Swift.stride(from: 0, to: rank, by: DotProduct.blockLength) {
      var sums = FourUpdates<Lanes>()
      var weights = b + first * width
      for _ in first..<min(first + DotProduct.blockLength, rank) {
        sums.add(weights, times: z)
        weights += width
        z += 4
      }
      totals.add(sums)
    }
    totals.weigh(quads.factors + 4 * index, rows: quads.rows + 4 * index, into: d)
  }
}

/// The products of four terms, in registers.
private struct FourUpdates<Lanes: SIMD> where Lanes.Scalar == Float {
  private var low = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
  private var high = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)

  @inline(__always) init() {}

  @inline(__always)
  mutating func add(_ weights: UnsafePointer<Float>, times z: UnsafePointer<Float>) {
    let first = UnsafeRawPointer(weights).loadUnaligned(as: Lanes.self)
    let second = UnsafeRawPointer(weights + Lanes.scalarCount).loadUnaligned(as: Lanes.self)
    let (a, b) = (Lanes(repeating: z[0]), Lanes(repeating: z[1]))
    let (c, d) = (Lanes(repeating: z[2]), Lanes(repeating: z[3]))
    low.0.addProduct(first, a)
    high.0.addProduct(second, a)
    low.1.addProduct(first, b)
    high.1.addProduct(second, b)
    low.2.addProduct(first, c)
    high.2.addProduct(second, c)
    low.3.addProduct(first, d)
    high.3.addProduct(second, d)
  }

  @inline(__always)
  mutating func add(_ sums: FourUpdates) {
    low.0 += sums.low.0
    high.0 += sums.high.0
    low.1 += sums.low.1
    high.1 += sums.high.1
    low.2 += sums.low.2
    high.2 += sums.high.2
    low.3 += sums.low.3
    high.3 += sums.high.3
  }

  @inline(__always)
  func weigh(
    _ factors: UnsafePointer<Float>, rows: UnsafePointer<Int32>,
    into d: UnsafeMutablePointer<Float>
  ) {
    @inline(__always)
    func weigh(_ low: Lanes, _ high: Lanes, _ index: Int) {
      let row = UnsafeMutableRawPointer(d + Int(rows[index]) * 2 * Lanes.scalarCount)
      let size = MemoryLayout<Lanes>.size
      let factor = Lanes(repeating: factors[index])
      row.storeBytes(
        of: row.loadUnaligned(as: Lanes.self).addingProduct(factor, low), as: Lanes.self)
      row.storeBytes(
        of: row.loadUnaligned(fromByteOffset: size, as: Lanes.self).addingProduct(factor, high),
        toByteOffset: size, as: Lanes.self)
    }
    weigh(low.0, high.0, 0)
    weigh(low.1, high.1, 1)
    weigh(low.2, high.2, 2)
    weigh(low.3, high.3, 3)
  }
}
