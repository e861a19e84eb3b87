import MeteoRAKernels
import MeteoRALlama
import MeteoRATraining

/// What is trained, on what.
struct TrainingCase {
  let modelCase: ModelCase
  let trainsAdapters: Bool

  static let adapterCount = 8
  static let sequences = 4
  static let length = 256

  static var all: [TrainingCase] {
    guard let small = ModelCase.all.first(where: { $0.name == "small/f32/28adapters" }) else {
      return []
    }
    return [false, true].map { TrainingCase(modelCase: small, trainsAdapters: $0) }
  }

  var name: String {
    "training/small/f32/8adapters/" + (trainsAdapters ? "gates+adapters" : "gates")
  }

  /// The products with base weights and head, forward and back; attention and adapters are left out.
  var work: Work {
    let shape = modelCase.shape
    let layer = LinearModule.allCases.reduce(0) { sum, module in
      sum + shape.size(of: module).outFeatures * shape.size(of: module).inFeatures
    }
    let weights = layer * shape.layerCount + shape.vocabularySize * shape.hiddenSize
    let tokens = Self.sequences * Self.length
    return Work(flops: 4 * Double(weights) * Double(tokens), bytes: 0, tokens: tokens)
  }

  func batch(vocabulary: Int) -> TrainingBatch {
    let sequences = (0..<Self.sequences).map { index in
      (0..<Self.length).map { ($0 &* 7919 &+ index &* 104_729 &+ 13) % vocabulary }
    }
    var (language, gates): ([LabelledRow], [LabelledRow]) = ([], [])
    for (index, sequence) in sequences.enumerated() {
      for position in 0..<sequence.count - 1 {
        let row = index * Self.length + position
        language.append(LabelledRow(row: row, label: sequence[position + 1]))
        gates.append(LabelledRow(row: row, label: index))
      }
    }
    return TrainingBatch(sequences: sequences, languageLabels: language, gateLabels: gates)
  }
}
