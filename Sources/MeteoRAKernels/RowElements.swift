/// Adds `count` elements to others, each on its own.
@inline(__always)
func addElements(
  _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int
) {
  typealias Lanes = SIMD16<Float>
  var index = 0
  while index &+ Lanes.scalarCount <= count {
    let place = UnsafeMutableRawPointer(target + index)
    let sum =
      place.loadUnaligned(as: Lanes.self)
      + UnsafeRawPointer(source + index).loadUnaligned(as: Lanes.self)
    place.storeBytes(of: sum, as: Lanes.self)
    index &+= Lanes.scalarCount
  }
  while index < count {
    target[index] += source[index]
    index &+= 1
  }
}

/// Copies `count` elements: few, for which a call would cost more than the copy.
@inline(__always)
func copyElements(
  _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int
) {
  typealias Lanes = SIMD16<Float>
  var index = 0
  while index &+ Lanes.scalarCount <= count {
    UnsafeMutableRawPointer(target + index).storeBytes(
      of: UnsafeRawPointer(source + index).loadUnaligned(as: Lanes.self), as: Lanes.self)
    index &+= Lanes.scalarCount
  }
  while index < count {
    target[index] = source[index]
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
