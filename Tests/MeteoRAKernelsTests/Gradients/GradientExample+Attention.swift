import MeteoRAKernels
import MeteoRATestSupport

extension GradientExample {
  static var attention: [GradientExample] {
    [
      attention(lengths: [1], heads: 1, keyValueHeads: 1, dimension: 1),
      attention(lengths: [1, 7, 3], heads: 4, keyValueHeads: 2, dimension: 6),
      attention(lengths: [9, 2], heads: 3, keyValueHeads: 3, dimension: 33),
      // One position, and one head of a group, beyond a block of 128 rows.
      attention(lengths: [129], heads: 1, keyValueHeads: 1, dimension: 2),
      attention(lengths: [2, 45], heads: 3, keyValueHeads: 1, dimension: 3),
      attention(lengths: [3], heads: 2, keyValueHeads: 1, dimension: 131),
    ]
  }

  private static func attention(
    lengths: [Int], heads: Int, keyValueHeads: Int, dimension: Int
  ) -> GradientExample {
    var first = 0
    let sequences = lengths.map { length in
      defer { first += length }
      return first..<first + length
    }
    var random = SeededRandom(first + dimension)
    func variable(_ name: String, heads: Int) -> Variable {
      Variable(name, [first, heads, dimension], random.floats(first * heads * dimension))
    }
    return GradientExample(
      testDescription: "attention of \(lengths), \(heads)/\(keyValueHeads) heads of \(dimension)",
      variables: [
        variable("q", heads: heads), variable("k", heads: keyValueHeads),
        variable("v", heads: keyValueHeads),
      ],
      outputGradient: random.floats(first * heads * dimension),
      outputs: {
        Reference.attention(
          q: $0[0], k: $0[1], v: $0[2], sequences: sequences, heads: heads,
          keyValueHeads: keyValueHeads, dimension: dimension)
      },
      differentiate: { memory, parallelism in
        attendGradient(
          AttentionGradientInput(
            queries: memory.values[0], keys: memory.values[1], values: memory.values[2],
            outputGradient: memory.c, heads: heads, keyValueHeads: keyValueHeads,
            dimension: dimension),
          sequences: sequences,
          to: AttentionGradientOutput(
            queries: memory.gradients[0], keys: memory.gradients[1], values: memory.gradients[2]),
          parallelism: parallelism)
      })
  }
}
