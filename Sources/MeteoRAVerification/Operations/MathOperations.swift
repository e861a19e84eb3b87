import MeteoRAMath
import MeteoRASafetensors

// exp, log, sin, cos:  x [N] → y [N]              pow:  x [N], exponent [N] → y [N]
// widen:  x [N], a narrow type → y [N]            dot:  a [N, K], b [N, K] → y [N]

extension CaseRun {
  func elementary(_ function: (Float) -> Float) throws(VerificationError) -> OperationOutcome {
    let x = try floats("x", rank: 1)
    return .tensors(["y": GoldenTensor(x.values.map(function), shape: x.shape)])
  }

  func power() throws(VerificationError) -> OperationOutcome {
    let x = try floats("x", rank: 1)
    let exponent = try floats("exponent", rank: 1)
    try requireEqualShapes(("x", x.shape), ("exponent", exponent.shape))
    let y = zip(x.values, exponent.values).map { CorrectlyRounded.pow($0, $1) }
    return .tensors(["y": GoldenTensor(y, shape: x.shape)])
  }

  func widening() throws(VerificationError) -> OperationOutcome {
    let x = try storedInput("x")
    do throws(SafetensorsError) {
      return .tensors(["y": GoldenTensor(try x.float32Values(), shape: x.shape)])
    } catch {
      throw .safetensors(case: golden.id, error)
    }
  }

  func dotProducts() throws(VerificationError) -> OperationOutcome {
    let a = try floats("a", rank: 2)
    let b = try floats("b", rank: 2)
    try requireEqualShapes(("a", a.shape), ("b", b.shape))
    let (rows, length) = (a.shape[0], a.shape[1])
    // Vectors without elements are any number.
    try requireRoom(for: "y", shape: [rows])
    var y: [Float] = []
    for row in 0..<rows {
      let range = row * length..<(row + 1) * length
      do throws(DotProductError) {
        y.append(try DotProduct.dot(Array(a.values[range]), Array(b.values[range])))
      } catch {
        throw .refused(case: golden.id, reason: error.description)
      }
    }
    return .tensors(["y": GoldenTensor(y, shape: [rows])])
  }

  private func requireEqualShapes(
    _ first: (name: String, shape: [Int]), _ second: (name: String, shape: [Int])
  ) throws(VerificationError) {
    guard first.shape == second.shape else {
      throw .inputMismatch(
        case: golden.id, name: second.name, expected: "\(first.shape), as '\(first.name)' is",
        actual: "\(second.shape)")
    }
  }
}
