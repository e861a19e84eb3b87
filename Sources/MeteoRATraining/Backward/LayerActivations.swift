import MeteoRAKernels
import MeteoRALlama

/// What the backward pass of a layer needs of its forward pass.
final class LayerActivations {
  /// The residual stream before the layer.
  let input = ActivationBuffer()
  let attentionInput = ActivationBuffer()
  /// Rotated.
  let queries = ActivationBuffer()
  /// Rotated.
  let keys = ActivationBuffer()
  let values = ActivationBuffer()
  let attended = ActivationBuffer()
  /// The residual stream between attention and MLP.
  let middle = ActivationBuffer()
  let mlpInput = ActivationBuffer()
  let gate = ActivationBuffer()
  let up = ActivationBuffer()
  let activated = ActivationBuffer()
  /// By ``LinearModule/index``.
  var modules = [ModuleActivations?](repeating: nil, count: LinearModule.allCases.count)

  func prepare(rows: Int, _ configuration: LlamaConfiguration) {
    let hidden = configuration.hiddenSize
    let queryWidth = configuration.attentionHeads * configuration.headDimension
    let keyWidth = configuration.keyValueHeads * configuration.headDimension
    for buffer in [input, attentionInput, middle, mlpInput] {
      buffer.prepare(rows: rows, width: hidden)
    }
    for buffer in [queries, attended] { buffer.prepare(rows: rows, width: queryWidth) }
    for buffer in [keys, values] { buffer.prepare(rows: rows, width: keyWidth) }
    for buffer in [gate, up, activated] {
      buffer.prepare(rows: rows, width: configuration.intermediateSize)
    }
  }

  /// The input of a module.
  func input(of module: LinearModule) -> UnsafeMutablePointer<Float> {
    switch module {
    case .query, .key, .value: attentionInput.start
    case .output: attended.start
    case .gate, .up: mlpInput.start
    case .down: activated.start
    }
  }
}

/// What the backward pass of a module with adapters needs of its forward pass.
final class ModuleActivations {
  let routing: Routing
  /// `z = A · x` of all terms.
  let terms: RoutedUpdate
  /// Rows that were sorted together.
  let rowsOfTile: Int
  /// `[rows, adapters]`: the gradients of the gate logits, first those of the gate loss.
  let gateGradients: AlignedMemory?

  init(routing: Routing, terms: RoutedUpdate, rowsOfTile: Int, gateGradients: AlignedMemory?) {
    self.routing = routing
    self.terms = terms
    self.rowsOfTile = rowsOfTile
    self.gateGradients = gateGradients
  }
}
