import MeteoRAKernels

// AdamW, one step of one tensor, nothing fused (torch's single-tensor form):
//
//   p = p · decay
//   m = m + (1 − β1) · (g − m)
//   v = v · β2 + ((1 − β2) · g) · g
//   d = sqrt(v) / root + eps
//   p = p + (size · m) / d
//
// decay = 1 − lr · weight_decay      size = −(lr / (1 − β1^t))      root = sqrt(1 − β2^t)

/// The optimiser of Loshchilov and Hutter, *Decoupled Weight Decay Regularization*,
/// arXiv:1711.05101.
public struct AdamW: Sendable, Equatable {
  /// Of the means of gradients and of their squares.
  public var beta1: Double
  public var beta2: Double
  /// Added to the root of the second moment.
  public var epsilon: Double
  /// Of matrices; norms and biases never decay.
  public var weightDecay: Double

  public init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// Makes step `step`, counted from 1, with the gradients that the tensors hold.
  package func update(
    _ tensors: [TrainedTensor], step: Int, learningRate: Double, parallelism: Parallelism
  ) {
    let numbers = Numbers(self, step: step, learningRate: learningRate)
    parallelism.forEachRange(ofElements: tensors) { tensor, range in
      let range = range.clamped(to: tensor.frozenCount..<tensor.count)
      numbers.update(tensor, range, decays: weightDecay != 0 && tensor.isMatrix)
    }
  }

  /// What a step needs, in binary64 and rounded once.
  private struct Numbers {
    let decay: Float
    let newGradient: Float
    let oldSquare: Float
    let newSquare: Float
    let stepSize: Float
    let root: Float
    let epsilon: Float

    init(_ options: AdamW, step: Int, learningRate: Double) {
      var (power1, power2) = (1.0, 1.0)
      for _ in 0..<step {
        power1 *= options.beta1
        power2 *= options.beta2
      }
      decay = Float(1 - learningRate * options.weightDecay)
      newGradient = Float(1 - options.beta1)
      oldSquare = Float(options.beta2)
      newSquare = Float(1 - options.beta2)
      stepSize = Float(-(learningRate / (1 - power1)))
      root = Float((1 - power2).squareRoot())
      epsilon = Float(options.epsilon)
    }

    func update(_ tensor: TrainedTensor, _ range: Range<Int>, decays: Bool) {
      let (p, g) = (tensor.values, tensor.gradient)
      let (m, v) = (tensor.firstMoment, tensor.secondMoment)
      for i in range {
        let gradient = g[i]
        let mean = m[i] + newGradient * (gradient - m[i])
        let square = v[i] * oldSquare + newSquare * gradient * gradient
        let divisor = square.squareRoot() / root + epsilon
        m[i] = mean
        v[i] = square
        p[i] = (decays ? p[i] * decay : p[i]) + stepSize * mean / divisor
      }
    }
  }
}
