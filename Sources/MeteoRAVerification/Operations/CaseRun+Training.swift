import MeteoRAKernels
import MeteoRASafetensors

// What the operations of training read.

extension CaseRun {
  /// A float input of a shape that other inputs ask for.
  func floats(
    _ name: String, rank: Int, shape: [Int]
  ) throws(VerificationError) -> (values: [Float], shape: [Int]) {
    let input = try floats(name, rank: rank)
    guard input.shape == shape else {
      throw .inputMismatch(
        case: golden.id, name: name, expected: "of shape \(shape)", actual: "\(input.shape)")
    }
    return input
  }

  /// A matrix of rows of `width` elements.
  func floats(
    _ name: String, rank: Int, width: Int
  ) throws(VerificationError) -> (values: [Float], shape: [Int]) {
    let input = try floats(name, rank: rank)
    guard input.shape.last == width else {
      throw .inputMismatch(
        case: golden.id, name: name, expected: "rows of \(width) elements",
        actual: "\(input.shape)")
    }
    return input
  }

  /// The rows of every batch, by a parameter that holds their numbers.
  func batches(
    of rows: Int, named name: String = "batches"
  ) throws(VerificationError) -> [Range<Int>] {
    try parameters { parameters throws(JSONError) in
      let list = try parameters.required(name)
      let counts = try list.integersValue(in: 0...Int(Int32.max))
      guard counts.reduce(0, +) == rows else {
        throw list.mismatch(expected: "a sum of \(rows), the number of rows")
      }
      var first = 0
      return counts.map { count in
        defer { first += count }
        return first..<first + count
      }
    }
  }

  /// Throws unless all indices are below a limit, and none is negative.
  func requireIndices(
    _ indices: [Int], below limit: Int, in name: String
  ) throws(VerificationError) {
    if let wrong = indices.first(where: { !(0..<limit).contains($0) }) {
      throw .inputMismatch(
        case: golden.id, name: name, expected: "indices below \(limit)", actual: "\(wrong)")
    }
  }
}

/// Calls `body` with the place of the elements; not at all if there are none.
func withPointer(
  to target: inout [Float], _ body: (UnsafeMutablePointer<Float>) -> Void
) {
  target.withUnsafeMutableBufferPointer { target in
    if let target = target.baseAddress { body(target) }
  }
}

/// As ``withPointer(to:_:)``, with two inputs beside.
func withPointers(
  _ a: [Float], _ b: [Float], to target: inout [Float],
  _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
) {
  a.withUnsafeBufferPointer { a in
    b.withUnsafeBufferPointer { b in
      target.withUnsafeMutableBufferPointer { target in
        if let a = a.baseAddress, let b = b.baseAddress, let target = target.baseAddress {
          body(a, b, target)
        }
      }
    }
  }
}
