import Foundation
import MeteoRAKernels
import MeteoRATestSupport

extension GradientExample {
  /// What works row by row or element by element.
  static var rows: [GradientExample] {
    [(1, 9), (3, 7), (131, 3), (5, 131)].flatMap { rows, width in
      [true, false].map { rmsNorm(rows: rows, width: width, isTrained: $0) }
    }
      + [1, 131, 1031].flatMap { count in [false, true].map { silu(count: count, inPlace: $0) } }
      + [(1, 1, 2), (5, 3, 14), (131, 1, 6)].map {
        rotation(rows: $0, heads: $1, dimension: $2)
      }
  }

  private static func rmsNorm(rows: Int, width: Int, isTrained: Bool) -> GradientExample {
    var random = SeededRandom(rows + width)
    let x = Variable("x", [rows, width], random.floats(rows * width))
    let weight = Variable("w", [width], random.floats(width), addedTo: random.floats(width))
    let frozen = weight.values.map(Double.init)
    let epsilon: Float = 0.01
    return GradientExample(
      testDescription: "RMSNorm\(isTrained ? "" : ", frozen"), \(rows) × \(width)",
      variables: isTrained ? [x, weight] : [x],
      outputGradient: random.floats(rows * width), scratch: isTrained ? [rows * width] : [],
      outputs: { variables in
        Reference.rmsNorm(
          variables[0], weight: isTrained ? variables[1] : frozen, epsilon: Double(epsilon))
      },
      differentiate: { memory, parallelism in
        let values =
          isTrained
          ? Array(UnsafeBufferPointer(start: memory.values[1], count: width)) : weight.values
        rmsNormGradient(
          memory.values[0], rows: rows, weight: values, epsilon: epsilon,
          outputGradient: memory.c, to: memory.gradients[0],
          normalised: isTrained ? memory.scratch[0] : nil, parallelism: parallelism)
        if isTrained {
          addElementwiseGradient(
            memory.c, memory.scratch[0], rows: rows, width: width, to: memory.gradients[1],
            parallelism: parallelism)
        }
      })
  }

  /// - Parameter inPlace: Whether gradients are written over the operands.
  private static func silu(count: Int, inPlace: Bool) -> GradientExample {
    var random = SeededRandom(count)
    return GradientExample(
      testDescription: "SiLU · up\(inPlace ? ", in place" : ""), \(count) elements",
      variables: [
        Variable("gate", [count], random.floats(count).map { 3 * $0 }),
        Variable("up", [count], random.floats(count)),
      ],
      outputGradient: random.floats(count),
      outputs: { Reference.siluMultiply(gate: $0[0], up: $0[1]) },
      differentiate: { memory, parallelism in
        var sources = memory.values
        if inPlace {
          for (source, target) in zip(memory.values, memory.gradients) {
            target.update(from: source, count: count)
          }
          sources = memory.gradients.map { UnsafePointer($0) }
        }
        siluMultiplyGradient(
          gate: sources[0], up: sources[1], outputGradient: memory.c, count: count,
          gateGradient: memory.gradients[0], upGradient: memory.gradients[1],
          parallelism: parallelism)
      })
  }

  private static func rotation(rows: Int, heads: Int, dimension: Int) -> GradientExample {
    var random = SeededRandom(rows + heads + dimension)
    let half = dimension / 2
    let angles = random.floats(rows * half).map { 5 * Double($0) }
    let count = rows * heads * dimension
    return GradientExample(
      testDescription: "RoPE, \(rows) rows, \(heads) heads of \(dimension)",
      variables: [Variable("x", [rows, heads, dimension], random.floats(count))],
      outputGradient: random.floats(count),
      outputs: { Reference.rotate($0[0], heads: heads, angles: angles, half: half) },
      differentiate: { memory, parallelism in
        memory.gradients[0].update(from: memory.c, count: count)
        rotateBack(
          memory.gradients[0], rows: rows, heads: heads, dimension: dimension,
          cos: angles.map { Float(cos($0)) }, sin: angles.map { Float(sin($0)) },
          parallelism: parallelism)
      })
  }
}
