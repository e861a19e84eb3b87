import MeteoRAKernels
import MeteoRATestSupport

extension GradientExample {
  /// The head's loss, and both ends of a tied embedding.
  static var losses: [GradientExample] {
    [(1, 2), (7, 5), (131, 3), (3, 131), (2, 1031)].map { crossEntropy(rows: $0, width: $1) }
      + [(5, 3), (131, 1), (3, 131)].flatMap { rows, width in
        [false, true].map { embedding(rows: rows, width: width, isTied: $0) }
      }
  }

  /// Rows with and without a label.
  private static func crossEntropy(rows: Int, width: Int) -> GradientExample {
    var random = SeededRandom(rows + width)
    let labels = (0..<rows).filter { $0 % 4 != 1 }.map { row in
      LabelledRow(row: row, label: Int.random(in: 0..<width, using: &random))
    }
    let pairs = labels.map { (row: $0.row, label: $0.label) }
    let scale: Float = 0.37
    return GradientExample(
      testDescription: "cross-entropy, \(rows) × \(width)",
      variables: [
        Variable("logits", [rows, width], random.floats(rows * width).map { 3 * $0 })
      ],
      outputGradient: labels.map { _ in scale }, scratch: [labels.count],
      outputs: { Reference.crossEntropy($0[0], width: width, labels: pairs) },
      differentiate: { memory, parallelism in
        // The kernel leaves rows without a label as they are: those are +0 here.
        memory.gradients[0].update(repeating: 0, count: rows * width)
        for label in labels {
          let first = label.row * width
          (memory.gradients[0] + first).update(from: memory.values[0] + first, count: width)
        }
        crossEntropyGradient(
          memory.gradients[0], width: width, rows: labels[...], scale: scale,
          losses: memory.scratch[0], parallelism: parallelism)
      })
  }

  /// Rows of an embedding, some of them several times, and its logits where it is the head too.
  private static func embedding(rows: Int, width: Int, isTied: Bool) -> GradientExample {
    let vocabulary = 7
    var random = SeededRandom(rows + width)
    let ids = (0..<rows).map { _ in Int.random(in: 1..<vocabulary - 1, using: &random) } + [2, 2]
    let table = Variable(
      "E", [vocabulary, width], random.floats(vocabulary * width),
      addedTo: random.floats(vocabulary * width))
    let hidden = Variable("x", [rows, width], random.floats(rows * width))
    let embedded = ids.count * width
    return GradientExample(
      testDescription: "embedding\(isTied ? ", tied" : ""), \(rows) × \(width)",
      variables: isTied ? [table, hidden] : [table],
      outputGradient: random.floats(embedded + (isTied ? rows * vocabulary : 0)),
      outputs: { variables in
        ids.flatMap { variables[0][$0 * width..<($0 + 1) * width] }
          + (isTied ? Reference.linear(variables[1], width: width, weight: variables[0]) : [])
      },
      differentiate: { memory, parallelism in
        if isTied {
          let logitGradient = memory.c + embedded
          inputGradient(
            [
              InputGradientTerm(
                try weights(memory.values[0], outputs: vocabulary, inputs: width), logitGradient)
            ], rows: rows, tile: 128, to: memory.gradients[1], parallelism: parallelism)
          addWeightGradient(
            GradientRows(logitGradient, count: rows, width: vocabulary),
            GradientRows(memory.values[1], count: rows, width: width),
            to: GradientTarget(memory.gradients[0], width: width), parallelism: parallelism)
        }
        addEmbeddingGradient(memory.c, ids: ids, width: width, to: memory.gradients[0])
      })
  }
}
