/// Adds `count` elements to others, each on its own.
@inline(__always)
package func addElements(
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
