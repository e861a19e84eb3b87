/// Adds `count` elements to others, each on its own.
@inline(__always)
func addElements(
  _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int
) {
  update(target, with: source, count: count, lanes: { $0 + $1 }, rest: { $0 + $1 })
}

/// Copies `count` elements: few, for which a call would cost more than the copy.
@inline(__always)
func copyElements(
  _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int
) {
  update(target, with: source, count: count, lanes: { $1 }, rest: { $1 })
}

/// Replaces every element of `target` by a function of itself and that of `source`.
@inline(__always)
private func update(
  _ target: UnsafeMutablePointer<Float>, with source: UnsafePointer<Float>, count: Int,
  lanes: (SIMD16<Float>, SIMD16<Float>) -> SIMD16<Float>, rest: (Float, Float) -> Float
) {
  typealias Lanes = SIMD16<Float>
  var index = 0
  while index &+ Lanes.scalarCount <= count {
    let place = UnsafeMutableRawPointer(target + index)
    let elements = UnsafeRawPointer(source + index).loadUnaligned(as: Lanes.self)
    place.storeBytes(of: lanes(place.loadUnaligned(as: Lanes.self), elements), as: Lanes.self)
    index &+= Lanes.scalarCount
  }
  while index < count {
    target[index] = rest(target[index], source[index])
    index &+= 1
  }
}

/// Adds rows to others, element by element.
package func addRows(
  _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, rows: Int, width: Int,
  parallelism: Parallelism
) {
  parallelism.forEachRange(of: rows) { range in
    let first = range.lowerBound * width
    addElements(source + first, to: target + first, count: range.count * width)
  }
}
