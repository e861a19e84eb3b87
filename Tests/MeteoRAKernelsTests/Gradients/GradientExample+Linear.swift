import MeteoRATestSupport

@testable import MeteoRAKernels

extension GradientExample {
  static var linear: [GradientExample] {
    // Around the widths of panels and groups of rows, each dimension beyond a block of 128 once, and
    // more outputs than are taken at a time.
    let shapes = [
      (1, 1, 1), (3, 5, 7), (9, 33, 5), (17, 3, 25), (131, 3, 5), (3, 131, 5), (5, 9, 131),
      (2, 1, 2051), (259, 1, 2),
    ]
    return shapes.map { linear(rows: $0, inputs: $1, outputs: $2, tile: $0 > 5 ? 8 : 512) }
      + [sharedInput(rows: 3, tile: 512), sharedInput(rows: 21, tile: 16)]
  }

  /// `y = W · x + bias`, all of it trained.
  private static func linear(
    rows: Int, inputs: Int, outputs: Int, tile: Int
  ) -> GradientExample {
    var random = SeededRandom(rows + 1000 * inputs + 7 * outputs)
    return GradientExample(
      testDescription: "linear layer, \(rows) × \(inputs) → \(outputs)",
      variables: [
        Variable("x", [rows, inputs], random.floats(rows * inputs)),
        Variable(
          "W", [outputs, inputs], random.floats(outputs * inputs),
          addedTo: random.floats(outputs * inputs)),
        Variable("bias", [outputs], random.floats(outputs), addedTo: random.floats(outputs)),
      ],
      outputGradient: random.floats(rows * outputs),
      outputs: { Reference.linear($0[0], width: inputs, weight: $0[1], bias: $0[2]) },
      differentiate: { memory, parallelism in
        let weights = try weights(memory.values[1], outputs: outputs, inputs: inputs)
        inputGradient(
          [InputGradientTerm(weights, memory.c)], rows: rows, tile: tile, to: memory.gradients[0],
          parallelism: parallelism)
        addWeightGradient(
          GradientRows(memory.c, count: rows, width: outputs),
          GradientRows(memory.values[0], count: rows, width: inputs),
          to: GradientTarget(memory.gradients[1], width: inputs), parallelism: parallelism)
        addElementwiseGradient(
          memory.c, nil, rows: rows, width: outputs, to: memory.gradients[2],
          parallelism: parallelism)
      })
  }

  /// Frozen layers of every format and a gate with one input.
  private static func sharedInput(rows: Int, tile: Int) -> GradientExample {
    let (inputs, adapters) = (37, 3)
    let layers = zip([7, 33, 131], WeightFormat.allCases)
    var random = SeededRandom(rows)
    let stored = layers.map { random.stored($0 * inputs, $1) }
    let gate = random.floats(adapters * inputs)
    let widths = layers.map(\.0) + [adapters]
    let all = (stored.map(\.values) + [gate]).map { $0.map(Double.init) }
    return GradientExample(
      testDescription: "layers of one input, \(rows) rows",
      variables: [Variable("x", [rows, inputs], random.floats(rows * inputs))],
      outputGradient: random.floats(rows * widths.reduce(0, +)),
      outputs: { variables in
        all.flatMap { Reference.linear(variables[0], width: inputs, weight: $0) }
      },
      differentiate: { memory, parallelism in
        var gradients: [UnsafePointer<Float>] = []
        for width in widths { gradients.append((gradients.last ?? memory.c) + rows * width) }
        gradients = [memory.c] + gradients.dropLast()
        let gate = InputGradientTerm.Gate(
          try WeightMatrix(gate, outFeatures: adapters, inFeatures: inputs), gradients[3])
        let terms = try layers.enumerated().map { index, layer in
          let weights = try stored[index].bytes.withUnsafeBytes {
            try WeightMatrix(
              rowMajor: $0, outFeatures: layer.0, inFeatures: inputs, format: layer.1)
          }
          return InputGradientTerm(weights, gradients[index], gate: index == 1 ? gate : nil)
        }
        inputGradient(
          terms, rows: rows, tile: tile, to: memory.gradients[0], parallelism: parallelism)
      })
  }

  static func weights(
    _ values: UnsafePointer<Float>, outputs: Int, inputs: Int
  ) throws -> WeightMatrix {
    try WeightMatrix(
      rowMajor: UnsafeRawBufferPointer(
        start: values, count: outputs * inputs * MemoryLayout<Float>.size),
      outFeatures: outputs, inFeatures: inputs, format: .float32)
  }
}
