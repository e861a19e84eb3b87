import MeteoRAKernels
import MeteoRALlama

// One adapter for each row, given instead of chosen by gates:
//
//   y = W_base · x + s_e · B_e (A_e · x)       e the row's adapter; without one, W_base · x
//
// A row without adapter takes the place behind all adapters, where every bank is empty: it adds
// nothing, and what is added to a base product that is never −0 leaves its bits.

/// Computes base products and the update of one adapter for each row, with weight 1.
struct GivenAdapterEvaluator: LinearGroupEvaluator {
  /// Which adapter of a bank a row takes.
  enum Choice: Sendable {
    /// The only one that there is.
    case only
    /// That of its token.
    case perToken(GivenAdapters)
  }

  /// By layer and ``LinearModule/index``; `nil` where no adapter has the module.
  var banks: [[LoRABank?]]
  var choice: Choice
  var kernel: LoRAMoEKernel

  func evaluate(
    _ group: LinearGroup, layer: Int, of model: LlamaModel, input: UnsafePointer<Float>,
    rows: [RowOrigin], outputs: [UnsafeMutablePointer<Float>], observer: (any ForwardObserver)?,
    parallelism: Parallelism
  ) {
    var outputs = ModuleOutput.each(
      of: group, layer: layer, of: model, values: outputs, rows: rows.count, observer: observer)
    let x = ProductInput(
      input, rows: rows.count, for: outputs.map(\.linear.weights), parallelism: parallelism)
    let routing =
      switch choice {
      case .only: Routing(onlyAdapterFor: rows.count)
      case .perToken(let adapters): adapters.routing(of: rows)
      }
    for (place, module) in group.modules.enumerated() {
      outputs[place].update = banks[layer][module.index].map { bank in
        ModuleOutput.Update(bank: bank, routing: routing, logits: nil)
      }
    }
    ModuleOutput.compute(outputs, from: x, by: kernel, parallelism)
  }
}
