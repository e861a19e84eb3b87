private typealias Lanes = SIMD16<Float>

/// Adds `count` elements to others, each on its own.
@inline(__always)
func addElements(
  _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int
) {
  forEachVector(of: count) {
    store(load(target + $0) + load(source + $0), to: target + $0)
  } rest: {
    target[$0] += source[$0]
  }
}

/// Copies `count` elements: few, for which a call would cost more than the copy.
@inline(__always)
func copyElements(
  _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int
) {
  forEachVector(of: count) {
    store(load(source + $0), to: target + $0)
  } rest: {
    target[$0] = source[$0]
  }
}

/// Calls `vector` with the first index of every whole vector, and `rest` with every index behind.
@inline(__always)
private func forEachVector(of count: Int, _ vector: (Int) -> Void, rest: (Int) -> Void) {
  var index = 0
  while index &+ Lanes.scalarCount <= count {
    vector(index)
    index &+= Lanes.scalarCount
  }
  while index < count {
    rest(index)
    index &+= 1
  }
}

@inline(__always)
private func load(_ address: UnsafePointer<Float>) -> Lanes {
  UnsafeRawPointer(address).loadUnaligned(as: Lanes.self)
}

@inline(__always)
private func store(_ elements: Lanes, to address: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(address).storeBytes(of: elements, as: Lanes.self)
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
