import MeteoRAKernels
import MeteoRALlama

// The MeteoRA layer, for the modules of a group that share the input x:
//
//   g   = W_gate · x                       of all modules together
//   I   = the k largest of g,  w = softmax(g_I / T)                     see Routing
//         (of those of g that the request allows, see Routing+Allowed)
//   y   = W_base · x + Σ_{i∈I} w_i · s_i · B_i (A_i · x)                see ModuleOutput
//
// A module that no adapter changes is the base's alone: no gate, no routing.

/// What a module of a MeteoRA model has beside its base weights.
struct RoutedModule: Sendable {
  /// `[adapters, inFeatures]`.
  var gate: WeightMatrix
  var bank: LoRABank
}

/// Sees the routing of every module as it is made.
package protocol RoutingObserver: ForwardObserver {
  /// The routing of the rows that ``ForwardObserver/begin(rows:)`` announced, in the order in
  /// which the modules run.
  func observe(_ routing: Routing, layer: Int, module: LinearModule)
}

/// Computes base products and routed adapters.
struct RoutedEvaluator: LinearGroupEvaluator {
  /// By layer and ``LinearModule/index``; `nil` where no adapter has the module.
  var modules: [[RoutedModule?]]
  /// Rows of every gate.
  var adapterCount: Int
  /// The adapters that may be chosen, ascending; `nil` for all.
  var allowed: [Int]?
  /// k is at most the number of adapters that may be chosen.
  var router: RouterConfiguration
  var kernel: LoRAMoEKernel

  /// Linear modules that route.
  var moduleCount: Int { modules.reduce(0) { $0 + $1.count { $0 != nil } } }

  func evaluate(
    _ group: LinearGroup, layer: Int, of model: LlamaModel, input: UnsafePointer<Float>,
    rows: [RowOrigin], outputs: [UnsafeMutablePointer<Float>], observer: (any ForwardObserver)?,
    parallelism: Parallelism
  ) {
    let rows = rows.count
    var outputs = ModuleOutput.each(
      of: group, layer: layer, of: model, values: outputs, rows: rows, observer: observer)
    let gates = group.modules.map { modules[layer][$0.index]?.gate }
    let x = ProductInput(
      input, rows: rows, for: gates.compactMap(\.self) + outputs.map(\.linear.weights),
      parallelism: parallelism)
    let logitCount = rows * adapterCount
    let memory = AlignedMemory(byteCount: gates.count * logitCount * MemoryLayout<Float>.size)
    defer { withExtendedLifetime(memory) {} }
    let terms = gates.enumerated().compactMap { place, gate in
      gate.map { LinearTerm($0, to: memory.floats + place * logitCount) }
    }
    multiply(terms, by: x, parallelism: parallelism)
    for (place, module) in group.modules.enumerated() {
      guard let routed = modules[layer][module.index] else { continue }
      let logits = UnsafeBufferPointer(
        start: memory.floats + place * logitCount, count: logitCount)
      outputs[place].update = ModuleOutput.Update(
        bank: routed.bank, routing: routing(by: logits, rows: rows, parallelism), logits: logits)
    }
    ModuleOutput.compute(outputs, from: x, by: kernel, parallelism)
  }

  private func routing(
    by logits: UnsafeBufferPointer<Float>, rows: Int, _ parallelism: Parallelism
  ) -> Routing {
    guard let allowed else {
      return Routing(
        checked: logits, tokens: rows, adapterCount: adapterCount, topK: router.topK,
        temperature: router.temperature, parallelism: parallelism)
    }
    return Routing(
      checked: logits, tokens: rows, adapterCount: adapterCount, topK: router.topK,
      temperature: router.temperature, among: allowed, parallelism: parallelism)
  }
}
