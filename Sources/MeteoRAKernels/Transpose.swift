// Transpose: eight elements of eight rows, side by side for each element, or apart again.
//
//   row 0   a0 a1 … a7                 a0 b0 c0 … h0   element 0
//   row 1   b0 b1 … b7    gather ─▶    a1 b1 c1 … h1   element 1
//    …                   ◀─ scatter     …
//   row 7   h0 h1 … h7                 a7 b7 c7 … h7   element 7
//
// Each of three steps alternates the elements of two vectors: rows four apart (a0 e0 a1 e1 …), then
// two (a0 c0 e0 g0 …), then neighbours (a0 b0 c0 … h0).

/// Writes element k of eight rows to `target + k * stride`, side by side, for eight k.
///
/// - Parameter offsets: Where the rows begin, eight of them.
func gatherEight(
  _ base: UnsafePointer<Float>, offsets: UnsafePointer<Int>,
  to target: UnsafeMutablePointer<Float>, stride: Int
) {
  let columns = transposed(
    (
      load(base + offsets[0]), load(base + offsets[1]), load(base + offsets[2]),
      load(base + offsets[3]), load(base + offsets[4]), load(base + offsets[5]),
      load(base + offsets[6]), load(base + offsets[7])
    ))
  store(columns.0, target)
  store(columns.1, target + stride)
  store(columns.2, target + 2 &* stride)
  store(columns.3, target + 3 &* stride)
  store(columns.4, target + 4 &* stride)
  store(columns.5, target + 5 &* stride)
  store(columns.6, target + 6 &* stride)
  store(columns.7, target + 7 &* stride)
}

/// The way back: reads eight k at `source + k * stride`, and writes eight elements of each row.
func scatterEight(
  _ source: UnsafePointer<Float>, stride: Int, to base: UnsafeMutablePointer<Float>,
  offsets: UnsafePointer<Int>
) {
  let rows = transposed(
    (
      load(source), load(source + stride), load(source + 2 &* stride), load(source + 3 &* stride),
      load(source + 4 &* stride), load(source + 5 &* stride), load(source + 6 &* stride),
      load(source + 7 &* stride)
    ))
  store(rows.0, base + offsets[0])
  store(rows.1, base + offsets[1])
  store(rows.2, base + offsets[2])
  store(rows.3, base + offsets[3])
  store(rows.4, base + offsets[4])
  store(rows.5, base + offsets[5])
  store(rows.6, base + offsets[6])
  store(rows.7, base + offsets[7])
}

private typealias Eight = SIMD8<Float>
private typealias Sixteen = SIMD16<Float>
private typealias EightByEight = (Eight, Eight, Eight, Eight, Eight, Eight, Eight, Eight)

@inline(__always)
private func load(_ address: UnsafePointer<Float>) -> Eight {
  UnsafeRawPointer(address).loadUnaligned(as: Eight.self)
}

@inline(__always)
private func store(_ elements: Eight, _ address: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(address).storeBytes(of: elements, as: Eight.self)
}

@inline(__always)
private func alternating(_ even: Eight, _ odd: Eight) -> Sixteen {
  var both = Sixteen()
  both.evenHalf = even
  both.oddHalf = odd
  return both
}

@inline(__always)
private func transposed(_ rows: EightByEight) -> EightByEight {
  let rows04 = alternating(rows.0, rows.4)
  let rows15 = alternating(rows.1, rows.5)
  let rows26 = alternating(rows.2, rows.6)
  let rows37 = alternating(rows.3, rows.7)
  let (evenLow, evenHigh) = (
    alternating(rows04.lowHalf, rows26.lowHalf), alternating(rows04.highHalf, rows26.highHalf)
  )
  let (oddLow, oddHigh) = (
    alternating(rows15.lowHalf, rows37.lowHalf), alternating(rows15.highHalf, rows37.highHalf)
  )
  let (k01, k23) = (
    alternating(evenLow.lowHalf, oddLow.lowHalf), alternating(evenLow.highHalf, oddLow.highHalf)
  )
  let (k45, k67) = (
    alternating(evenHigh.lowHalf, oddHigh.lowHalf),
    alternating(evenHigh.highHalf, oddHigh.highHalf)
  )
  return (
    k01.lowHalf, k01.highHalf, k23.lowHalf, k23.highHalf, k45.lowHalf, k45.highHalf, k67.lowHalf,
    k67.highHalf
  )
}
