import MeteoRAKernels
import MeteoRALlama

// The MeteoRA layer, for the modules of a group that share the input x:
//
//   g   = W_gate · x                       computed together with the base products
//   I   = the k largest of g,  w = softmax(g_I / T)                     see Routing
//   y   = W_base · x + Σ_{i∈I} w_i · s_i · B_i (A_i · x)                see LoRAMoEKernel
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
  var adapterCount: Int
  var router: RouterConfiguration
  var kernel: LoRAMoEKernel

  func evaluate(
    _ group: LinearGroup, layer: Int, of model: LlamaModel, input: UnsafePointer<Float>, rows: Int,
    outputs: [UnsafeMutablePointer<Float>], observer: (any ForwardObserver)?,
    parallelism: Parallelism
  ) {
    let logits = UnsafeMutableBufferPointer<Float>.allocate(
      capacity: group.modules.count * rows * adapterCount)
    defer { logits.deallocate() }
    var terms: [LinearTerm] = []
    for (place, module) in group.modules.enumerated() {
      let linear = model.layers[layer][module]
      terms.append(LinearTerm(linear.weights, bias: linear.bias, to: outputs[place]))
      if let routed = modules[layer][module.index], let base = logits.baseAddress {
        terms.append(LinearTerm(routed.gate, to: base + place * rows * adapterCount))
      }
    }
    multiply(terms, by: input, rows: rows, parallelism: parallelism)

    for (place, module) in group.modules.enumerated() {
      let output = ObservedOutput(
        observer: observer, layer: layer, module: module, linear: model.layers[layer][module],
        rows: rows)
      output.begin(input: input, base: outputs[place])
      if let routed = modules[layer][module.index] {
        let range = place * rows * adapterCount..<(place + 1) * rows * adapterCount
        let routing = Routing(
          checked: UnsafeBufferPointer(rebasing: logits[range]), tokens: rows,
          adapterCount: adapterCount, topK: router.topK, temperature: router.temperature)
        output.observe(routing, logits: UnsafeBufferPointer(rebasing: logits[range]))
        output.withDelta { delta in
          kernel.addDelta(
            input: input, routing: routing, bank: routed.bank, to: outputs[place], delta: delta,
            parallelism: parallelism)
        }
      }
      output.end(outputs[place])
    }
  }
}

/// Computes base products and the update of one adapter, with weight 1.
struct SingleAdapterEvaluator: LinearGroupEvaluator {
  /// By layer and ``LinearModule/index``: banks that hold the adapter alone.
  var banks: [[LoRABank?]]
  var kernel: LoRAMoEKernel

  func evaluate(
    _ group: LinearGroup, layer: Int, of model: LlamaModel, input: UnsafePointer<Float>, rows: Int,
    outputs: [UnsafeMutablePointer<Float>], observer: (any ForwardObserver)?,
    parallelism: Parallelism
  ) {
    let terms = zip(group.modules, outputs).map { module, output in
      let linear = model.layers[layer][module]
      return LinearTerm(linear.weights, bias: linear.bias, to: output)
    }
    multiply(terms, by: input, rows: rows, parallelism: parallelism)
    for (place, module) in group.modules.enumerated() {
      let output = ObservedOutput(
        observer: observer, layer: layer, module: module, linear: model.layers[layer][module],
        rows: rows)
      output.begin(input: input, base: outputs[place])
      if let bank = banks[layer][module.index] {
        output.withDelta { delta in
          kernel.addDelta(
            input: input, routing: Routing(onlyAdapterFor: rows), bank: bank, to: outputs[place],
            delta: delta,
            parallelism: parallelism)
        }
      }
      output.end(outputs[place])
    }
  }
}

/// Reports the values of one module to an observer, if there is one.
private struct ObservedOutput {
  var observer: (any ForwardObserver)?
  var layer: Int
  var module: LinearModule
  var linear: LlamaLinear
  var rows: Int

  func begin(input: UnsafePointer<Float>, base: UnsafePointer<Float>) {
    observe(.input, input, linear.weights.inFeatures)
    observe(.base, base, linear.weights.outFeatures)
  }

  func observe(_ routing: Routing, logits: UnsafeBufferPointer<Float>) {
    guard let observer, let start = logits.baseAddress else { return }
    observer.observe(
      .module(layer, module, .gateLogits), start, width: routing.adapterCount)
    (observer as? any RoutingObserver)?.observe(routing, layer: layer, module: module)
  }

  /// Gives `body` memory for the update alone if somebody wants to see it.
  func withDelta(_ body: (UnsafeMutablePointer<Float>?) -> Void) {
    let point = TracePoint.module(layer, module, .delta)
    guard let observer, observer.wants(point) else {
      body(nil)
      return
    }
    let width = linear.weights.outFeatures
    withUnsafeTemporaryAllocation(of: Float.self, capacity: rows * width) { delta in
      body(delta.baseAddress)
      if let start = delta.baseAddress { observer.observe(point, start, width: width) }
    }
  }

  func end(_ output: UnsafePointer<Float>) {
    observe(.output, output, linear.weights.outFeatures)
  }

  private func observe(
    _ point: TracePoint.ModulePoint, _ values: UnsafePointer<Float>, _ width: Int
  ) {
    observer?.observe(.module(layer, module, point), values, width: width)
  }
}
