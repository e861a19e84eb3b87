import Foundation

/// A Llama with gated adapters in all linear modules, in binary64.
package struct ReferenceModel: Sendable {
  package var layers: Int
  package var heads: Int
  package var keyValueHeads: Int
  package var headDimension: Int
  package var hiddenSize: Int
  package var epsilon: Double
  /// Base of the rotary frequencies.
  package var theta: Double
  package var adapters: Int
  package var topK: Int
  package var temperature: Double
  /// s of every adapter.
  package var scaling: Double

  /// Everything by name: `embed_tokens`, `lm_head` unless it is the embedding, `norm`,
  /// `{layer}.input_norm`, `{layer}.post_attention_norm`; of a module `{path}.weight`,
  /// `{path}.bias` if it has one, `{path}.moe_gate`, and of its adapters
  /// `{adapter}.{path}.lora_A` and `.lora_B`, unless one lacks the module.
  package typealias Parameters = [String: [Double]]

  package init(
    layers: Int, heads: Int, keyValueHeads: Int, headDimension: Int, hiddenSize: Int,
    epsilon: Double, theta: Double, adapters: Int, topK: Int, temperature: Double, scaling: Double
  ) {
    self.layers = layers
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headDimension = headDimension
    self.hiddenSize = hiddenSize
    self.epsilon = epsilon
    self.theta = theta
    self.adapters = adapters
    self.topK = topK
    self.temperature = temperature
    self.scaling = scaling
  }

  /// Sequences and what should come of them; rows are their tokens, sequence after sequence.
  package struct Batch: Sendable {
    package var sequences: [[Int]]
    package var languageLabels: [(row: Int, label: Int)]
    package var gateLabels: [(row: Int, label: Int)]
    /// The mask of an adapter's input in a module, `[rows, inputs]`, by the module's path; `nil` for
    /// no dropout.
    package var mask: (@Sendable (_ layer: Int, _ path: String, _ adapter: Int) -> [Double])?

    package init(
      sequences: [[Int]], languageLabels: [(row: Int, label: Int)],
      gateLabels: [(row: Int, label: Int)]
    ) {
      self.sequences = sequences
      self.languageLabels = languageLabels
      self.gateLabels = gateLabels
    }
  }

  /// What a batch comes to.
  package struct Losses: Sendable {
    /// Of labelled rows.
    package var language: [Double] = []
    /// Of labelled rows of all modules.
    package var gates: [Double] = []
    /// How close any choice of adapters was to another one.
    package var selectionGap = Double.infinity
  }

  package func losses(_ batch: Batch, _ parameters: Parameters) -> Losses {
    var pass = ReferencePass(model: self, batch: batch, parameters: parameters)
    return pass.run()
  }
}

/// One pass of a batch.
private struct ReferencePass {
  let model: ReferenceModel
  let batch: ReferenceModel.Batch
  let parameters: ReferenceModel.Parameters
  var losses = ReferenceModel.Losses()

  init(
    model: ReferenceModel, batch: ReferenceModel.Batch, parameters: ReferenceModel.Parameters
  ) {
    self.model = model
    self.batch = batch
    self.parameters = parameters
  }

  mutating func run() -> ReferenceModel.Losses {
    let width = model.hiddenSize
    let embedding = self["embed_tokens"]
    var hidden = batch.sequences.joined().flatMap { embedding[$0 * width..<($0 + 1) * width] }
    for layer in 0..<model.layers { run(layer, &hidden) }
    let logits = Reference.linear(
      norm(hidden, "norm"), width: width, weight: parameters["lm_head"] ?? embedding)
    losses.language = Reference.crossEntropy(
      logits, width: embedding.count / width, labels: batch.languageLabels)
    return losses
  }

  private subscript(_ name: String) -> [Double] { parameters[name] ?? [] }

  private func norm(_ x: [Double], _ name: String) -> [Double] {
    Reference.rmsNorm(x, weight: self[name], epsilon: model.epsilon)
  }

  private mutating func run(_ layer: Int, _ hidden: inout [Double]) {
    var first = 0
    let sequences = batch.sequences.map { sequence in
      defer { first += sequence.count }
      return first..<first + sequence.count
    }
    let half = model.headDimension / 2
    let angles = sequences.flatMap { rows in
      rows.flatMap { row in
        (0..<half).map { angle(position: row - rows.lowerBound, pair: $0) }
      }
    }
    var x = norm(hidden, "\(layer).input_norm")
    let q = Reference.rotate(
      module(layer, "self_attn.q_proj", x), heads: model.heads, angles: angles, half: half)
    let k = Reference.rotate(
      module(layer, "self_attn.k_proj", x), heads: model.keyValueHeads, angles: angles, half: half)
    let v = module(layer, "self_attn.v_proj", x)
    let attended = Reference.attention(
      q: q, k: k, v: v, sequences: sequences, heads: model.heads,
      keyValueHeads: model.keyValueHeads, dimension: model.headDimension)
    hidden = Reference.sum(hidden, module(layer, "self_attn.o_proj", attended))

    x = norm(hidden, "\(layer).post_attention_norm")
    let activated = Reference.siluMultiply(
      gate: module(layer, "mlp.gate_proj", x), up: module(layer, "mlp.up_proj", x))
    hidden = Reference.sum(hidden, module(layer, "mlp.down_proj", activated))
  }

  /// position · θ^(−2i / d)
  private func angle(position: Int, pair: Int) -> Double {
    Double(position) * pow(model.theta, -2 * Double(pair) / Double(model.headDimension))
  }

  /// A linear module with its adapters; adds its gate's losses.
  private mutating func module(_ layer: Int, _ path: String, _ x: [Double]) -> [Double] {
    let name = "model.layers.\(layer).\(path)"
    let rows = batch.sequences.reduce(0) { $0 + $1.count }
    let width = x.count / rows
    var y = Reference.linear(
      x, width: width, weight: self["\(name).weight"], bias: parameters["\(name).bias"])
    let logits = Reference.linear(x, width: width, weight: self["\(name).moe_gate"])
    let count = model.adapters
    losses.gates += Reference.crossEntropy(logits, width: count, labels: batch.gateLabels)
    losses.selectionGap = min(
      losses.selectionGap, Reference.selectionGap(logits, width: count, topK: model.topK))
    let selections = Reference.selections(
      logits, width: count, topK: model.topK, temperature: model.temperature)
    let adapters = (0..<count).map { index -> Reference.Adapter? in
      guard let a = parameters["\(index).\(name).lora_A"],
        let b = parameters["\(index).\(name).lora_B"]
      else { return nil }
      return Reference.Adapter(
        a: a, b: b, scaling: model.scaling, mask: batch.mask?(layer, path, index))
    }
    Reference.addUpdates(x, width: width, selections: selections, adapters: adapters, to: &y)
    return y
  }
}
