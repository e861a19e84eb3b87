import MeteoRAKernels
import MeteoRALlama

/// The sizes of a Llama that is timed.
struct ModelShape {
  var name: String
  var hiddenSize: Int
  var layerCount: Int
  var heads: Int
  var keyValueHeads: Int
  var intermediateSize: Int
  var vocabularySize: Int
  var formats = WeightFormat.allCases
  /// Too large to be timed unless it is asked for by name.
  var isOnRequest = false

  static let all = [
    ModelShape(
      name: "small", hiddenSize: 512, layerCount: 8, heads: 8, keyValueHeads: 8,
      intermediateSize: 1376, vocabularySize: 32000),
    // TinyLlama.
    ModelShape(
      name: "medium", hiddenSize: 2048, layerCount: 22, heads: 32, keyValueHeads: 4,
      intermediateSize: 5632, vocabularySize: 32000),
    // Llama 3 8B.
    ModelShape(
      name: "8b", hiddenSize: 4096, layerCount: 32, heads: 32, keyValueHeads: 8,
      intermediateSize: 14336, vocabularySize: 128_256, formats: [.bfloat16], isOnRequest: true),
  ]

  var headDimension: Int { hiddenSize / heads }

  func size(of module: LinearModule) -> (outFeatures: Int, inFeatures: Int) {
    let keys = keyValueHeads * headDimension
    return switch module {
    case .query, .output: (hiddenSize, hiddenSize)
    case .key, .value: (keys, hiddenSize)
    case .gate, .up: (intermediateSize, hiddenSize)
    case .down: (hiddenSize, intermediateSize)
    }
  }

  /// Weights of all linear modules of all layers.
  var linearWeights: Int {
    layerCount
      * LinearModule.allCases.reduce(0) { $0 + size(of: $1).outFeatures * size(of: $1).inFeatures }
  }

  /// Weights of the head, and as many of the embedding.
  var headWeights: Int { vocabularySize * hiddenSize }
}

/// A model that is opened and timed in a process of its own.
struct ModelCase {
  var shape: ModelShape
  var format: WeightFormat
  var hasAdapters: Bool

  static let (adapterCount, rank, topK) = (28, 8, 2)
  /// The prompt before the first token; see ``ModelMeasurement``.
  static let firstPrompt = 16
  static let prompts = [128, 512]
  /// Tokens that are decoded one after the other, from an empty sequence on.
  static let decoded = 64

  static let all = ModelShape.all.flatMap { shape in
    shape.formats.flatMap { format in
      [false, true].map { ModelCase(shape: shape, format: format, hasAdapters: $0) }
    }
  }

  /// "small/f32/plain" or "small/f32/28adapters".
  var name: String {
    "\(shape.name)/\(format.label)/\(hasAdapters ? "\(Self.adapterCount)adapters" : "plain")"
  }

  /// What the names of its rows begin with.
  var group: String { "model/\(name)/" }

  /// Weights of the adapters, and of the gates.
  private var adapterWeights: (all: Int, chosen: Int, gates: Int) {
    guard hasAdapters else { return (0, 0, 0) }
    var (widths, inputs) = (0, 0)
    for module in LinearModule.allCases {
      let size = shape.size(of: module)
      widths += size.outFeatures + size.inFeatures
      inputs += size.inFeatures
    }
    let one = shape.layerCount * Self.rank * widths
    return (
      Self.adapterCount * one, Self.topK * one, shape.layerCount * Self.adapterCount * inputs
    )
  }

  /// Bytes of all weights as they are stored.
  var weightBytes: Int {
    format.byteWidth
      * (shape.linearWeights + 2 * shape.headWeights + adapterWeights.all + adapterWeights.gates)
  }

  /// A prompt: every weight once for each token but the head's, which only the last one needs, and
  /// the positions that attention may see.
  func promptWork(tokens: Int) -> Work {
    let perToken = shape.linearWeights + adapterWeights.chosen + adapterWeights.gates
    let seen = tokens * (tokens + 1) / 2
    let attention = 2 * shape.layerCount * shape.heads * shape.headDimension * seen
    return Work(
      flops: 2 * Double(perToken * tokens + shape.headWeights + attention),
      bytes: Double(weightBytes - format.byteWidth * shape.headWeights), tokens: tokens)
  }

  /// One token: every weight of the base once, the gates, and the chosen adapters.
  var decodeWork: Work {
    let read =
      shape.linearWeights + shape.headWeights + adapterWeights.chosen + adapterWeights.gates
    return Work(flops: 2 * Double(read), bytes: Double(read * format.byteWidth), tokens: 1)
  }
}
