import MeteoRAKernels
import MeteoRAMath

// norm = sqrt(sum)      sum = +0; for tensors in ascending order of their names: sum += dot(g, g)
// c    = M / (norm + 1e-6)      if c < 1: g = g · c

/// The norm of all gradients together.
///
/// - Parameter tensors: In ascending order of their names.
package func gradientNorm(_ tensors: [TrainedTensor], parallelism: Parallelism) -> Float {
  var squares = [Float](repeating: 0, count: tensors.count)
  squares.withUnsafeMutableBufferPointer { squares in
    parallelism.forEachRange(weighing: tensors.map { Double(max($0.count, 1)) }) { range in
      for index in range {
        let tensor = tensors[index]
        squares[index] = sumOfProducts(tensor.gradient, tensor.gradient, count: tensor.count)
      }
    }
  }
  return squares.reduce(0, +).squareRoot()
}

/// Scales all gradients so that their norm is at most `largest`.
package func clipGradients(
  _ tensors: [TrainedTensor], norm: Float, largest: Float, parallelism: Parallelism
) {
  let factor = largest / (norm + 1e-6)
  guard factor < 1 else { return }
  parallelism.forEachRange(ofElements: tensors) { tensor, range in
    let gradient = tensor.gradient
    for i in range { gradient[i] *= factor }
  }
}
