import MeteoRAKernels
import MeteoRAMath
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("Forward and backward passes")
struct TrainingPassTests {
  @Test("give the same bits with any number of threads", arguments: TrainingExample.Part.allCases)
  func threads(_ part: TrainingExample.Part) throws {
    let example = try TrainingExample(part)
    let losses = try example.step(threads: 1)
    let gradients = example.gradients
    #expect(gradients.contains { $0.contains { $0 != 0 } })
    for threads in [2, 5, 64] {
      #expect(try example.step(threads: threads) == losses)
      for (a, b) in zip(example.gradients, gradients) {
        #expect(BitEquality.firstDifference(a, b) == nil)
      }
    }
  }

  @Test("give the same bits when activations are computed again", arguments: [1, 2])
  func recomputation(_ threads: Int) throws {
    let example = try TrainingExample(.everything)
    let losses = try example.step()
    let gradients = example.gradients
    #expect(try example.step(threads: threads, recomputes: true) == losses)
    for (a, b) in zip(example.gradients, gradients) {
      #expect(BitEquality.firstDifference(a, b) == nil)
    }
  }

  @Test("report the losses that evaluation reports")
  func evaluation() throws {
    let example = try TrainingExample(.everything)
    #expect(try example.step() == example.losses())
  }

  /// All adapters are selected: the loss then has no jumps, where another one is chosen.
  @Test("follow the loss along every tensor", arguments: TrainingExample.Part.allCases)
  func directions(_ part: TrainingExample.Part) throws {
    let example = try TrainingExample(part, topK: 3)
    try example.step()
    for tensor in example.model.trained.tensors {
      var random = SeededRandom(seed: 7)
      // Along the gradient and something random, so that the difference is well above roundings.
      let gradient = tensor.gradientArray
      let length = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let direction = gradient.map { $0 / max(length, 1e-6) + random.weight() * 0.2 }
      let expected = zip(gradient, direction).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      let values = tensor.array
      func loss(_ step: Float) throws -> Double {
        for i in 0..<tensor.count { tensor.values[i] = values[i] + step * direction[i] }
        try example.model.adoptTrainedValues(parallelism: .serial)
        return Double(example.losses().total)
      }
      let step: Float = 2e-3
      let slope = (try loss(step) - loss(-step)) / (2 * Double(step))
      _ = try loss(0)
      #expect(abs(slope - expected) < 0.02 * abs(expected) + 2e-3, "\(tensor.name)")
    }
  }
}
