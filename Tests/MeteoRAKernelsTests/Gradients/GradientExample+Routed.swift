extension GradientExample {
  static var routed: [GradientExample] {
    let ranks: [Int?] = [3, nil, 1, 9, 2]
    var examples = [1, 2, 3, 5].flatMap { topK in
      [(0.5, false), (1, true), (15, false)].map { temperature, hasDropout in
        example(
          "T \(temperature)",
          RoutedLayerExample(
            tokens: 11, inputs: 13, outputs: 9, ranks: ranks, topK: topK, temperature: temperature,
            rowsOfTile: topK == 3 ? 8 : 512, hasDropout: hasDropout))
      }
    }
    for hasDropout in [false, true] {
      examples += [
        // Most adapters are not selected.
        example(
          "one token",
          RoutedLayerExample(
            tokens: 1, inputs: 5, outputs: 9, ranks: [2, 3, nil, 1], topK: 2, temperature: 2,
            hasDropout: hasDropout)),
        example(
          "one adapter",
          RoutedLayerExample(
            tokens: 7, inputs: 5, outputs: 35, ranks: [4], hasDropout: hasDropout)),
        // Tokens, inputs, outputs and a rank beyond a block of 128.
        example(
          "many tokens",
          RoutedLayerExample(
            tokens: 133, inputs: 3, outputs: 2, ranks: [2, 1, 3], topK: 2, temperature: 2,
            rowsOfTile: 48, hasDropout: hasDropout)),
        example(
          "one adapter, many tokens",
          RoutedLayerExample(
            tokens: 131, inputs: 2, outputs: 3, ranks: [2], rowsOfTile: 64,
            hasDropout: hasDropout)),
        example(
          "many inputs",
          RoutedLayerExample(
            tokens: 3, inputs: 131, outputs: 3, ranks: [1, 2, nil], topK: 2, temperature: 0.7,
            hasDropout: hasDropout)),
        example(
          "many outputs",
          RoutedLayerExample(
            tokens: 9, inputs: 3, outputs: 131, ranks: [1, 2], topK: 2, temperature: 0.7,
            hasDropout: hasDropout)),
        example(
          "large rank",
          RoutedLayerExample(
            tokens: 2, inputs: 3, outputs: 3, ranks: [131, 1], topK: 2, temperature: 3,
            hasDropout: hasDropout)),
      ]
    }
    return examples
  }

  private static func example(_ name: String, _ layer: RoutedLayerExample) -> GradientExample {
    GradientExample(
      testDescription: """
        LoRA-MoE\(layer.masks == nil ? "" : " with dropout"), top \(layer.topK), \(name)
        """,
      variables: layer.variables, outputGradient: layer.outputGradient,
      outputs: { layer.outputs($0) },
      differentiate: { try layer.differentiate($0, $1) })
  }
}
