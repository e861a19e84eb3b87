import MeteoRALlama
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("Gradients of a whole model")
struct ModelGradientTests {
  /// What is particular about a model.
  enum Variant: CaseIterable {
    case tied, tiedWithDropout, biased

    var base: TinyModel {
      switch self {
      case .tied, .tiedWithDropout: TinyModel().tied
      case .biased: TinyModel().biased
      }
    }

    var dropout: DropoutMasks? {
      self == .tiedWithDropout ? DropoutMasks(probability: 0.3, seed: 5, step: 2) : nil
    }
  }

  /// Roundings of binary32 that a gradient may be away from its slope; see ``Slope/roundings``. Two
  /// layers are some twenty operations one behind the other, and terms cancel in all of them.
  private static let roundings = 256.0

  @Test(
    "they follow differences of a model in binary64, tensor by tensor",
    arguments: Variant.allCases)
  func followDifferences(_ variant: Variant) throws {
    let example = try TrainingExample(
      .everything, base: variant.base, lengths: [[5, 1, 9], [12]])
    let losses = try example.step(dropout: variant.dropout)
    let reference = ReferenceExample(example, variant.dropout)
    let parameters = reference.parameters
    let (expected, gap) = reference.losses(parameters)
    // No difference may change a choice.
    #expect(gap > 1e-4)
    #expect(abs(Double(losses.total) - reference.total(expected)) < 1e-5)

    var random = SeededRandom(seed: 3)
    let mismatches = example.model.trained.tensors.compactMap { tensor in
      let values = parameters[tensor.name] ?? []
      let elements = (0..<2).map { _ in random.next(below: tensor.count) }
      let slopes = Slope.along(
        values, elements: elements, weighing: reference.weights(expected), step: 0x1p-18
      ) { moved in
        var parameters = parameters
        parameters[tensor.name] = moved
        return reference.losses(parameters).losses
      }
      return Slope.firstMismatch(
        tensor.gradientArray, slopes, name: tensor.name, shape: tensor.shape,
        roundings: Self.roundings)
    }
    #expect(mismatches == [])
  }
}

/// An example's model and batches in binary64.
private struct ReferenceExample {
  let model: ReferenceModel
  let batches: [ReferenceModel.Batch]
  let parameters: ReferenceModel.Parameters
  private let scale: LossScale

  init(_ example: TrainingExample, _ dropout: DropoutMasks?) {
    let configuration = example.model.configuration
    model = ReferenceModel(
      layers: example.model.llama.layers.count, heads: configuration.attentionHeads,
      keyValueHeads: configuration.keyValueHeads, headDimension: configuration.headDimension,
      hiddenSize: configuration.hiddenSize, epsilon: 1e-5, theta: 10000,
      adapters: example.model.adapterCount, topK: example.model.topK,
      temperature: Double(example.model.temperature), scaling: 0.5)
    parameters = Dictionary(
      uniqueKeysWithValues: example.model.trained.tensors.map {
        ($0.name, $0.array.map(Double.init))
      })
    scale = example.scale
    var firstRow = 0
    batches = example.batches.map { batch in
      defer { firstRow += batch.rowCount }
      var own = ReferenceModel.Batch(
        sequences: batch.sequences, languageLabels: batch.languageLabels.map { ($0.row, $0.label) },
        gateLabels: batch.gateLabels.map { ($0.row, $0.label) })
      if let dropout {
        own.mask = { [firstRow, rows = batch.rowCount] layer, path, adapter in
          mask(dropout, layer, path, adapter, firstRow, rows, configuration)
        }
      }
      return own
    }
  }

  /// All losses, those of the language model of every batch first.
  func losses(_ parameters: ReferenceModel.Parameters) -> (losses: [Double], gap: Double) {
    let all = batches.map { model.losses($0, parameters) }
    return (
      all.flatMap(\.language) + all.flatMap(\.gates), all.map(\.selectionGap).min() ?? .infinity
    )
  }

  /// How much the loss of a step counts each of them.
  func weights(_ losses: [Double]) -> [Double] {
    losses.indices.map { index in
      index < scale.languageLabels
        ? 1 / Double(scale.languageLabels)
        : Double(scale.gateLossWeight) / Double(scale.gateLabels)
    }
  }

  func total(_ losses: [Double]) -> Double {
    zip(losses, weights(losses)).reduce(0) { $0 + $1.0 * $1.1 }
  }
}

/// The masks of a module's input for the rows of a batch.
private func mask(
  _ dropout: DropoutMasks, _ layer: Int, _ path: String, _ adapter: Int, _ firstRow: Int,
  _ rows: Int, _ configuration: LlamaConfiguration
) -> [Double] {
  guard let module = LinearModule.allCases.first(where: { path.hasSuffix($0.rawValue) }) else {
    return []
  }
  let width = configuration.shape(of: module).inFeatures
  let masks = dropout.masks(of: module, layer: layer, firstRow: firstRow)
  var mask = [Float](repeating: 0, count: rows * width)
  mask.withUnsafeMutableBufferPointer { mask in
    guard let start = mask.baseAddress else { return }
    for row in 0..<rows { masks.mask(row, adapter, 0..<width, start + row * width) }
  }
  return mask.map(Double.init)
}
