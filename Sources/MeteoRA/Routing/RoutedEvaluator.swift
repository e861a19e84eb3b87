import MeteoRAKernels
import MeteoRALlama

// The MeteoRA layer, for the modules of a group that share the input x:
//
//   g   = W_gate · x                       computed together with the base products
//   I   = the k largest of g,  w = softmax(g_I / T)                     see Routing
//         (of those of g that the request allows, see Routing+Allowed)
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

    let observed = ObservedOutput.each(
      of: group, layer: layer, of: model, values: outputs, rows: rows, observer: observer)
    for (place, output) in observed.enumerated() {
      output.update(input) {
        guard let routed = modules[layer][output.module.index] else { return }
        let range = place * rows * adapterCount..<(place + 1) * rows * adapterCount
        let logits = UnsafeBufferPointer(rebasing: logits[range])
        let routing = routing(by: logits, rows: rows)
        output.observe(routing, logits: logits)
        output.add(routed.bank, routing, input, by: kernel, parallelism)
      }
    }
  }

  private func routing(by logits: UnsafeBufferPointer<Float>, rows: Int) -> Routing {
    guard let allowed else {
      return Routing(
        checked: logits, tokens: rows, adapterCount: adapterCount, topK: router.topK,
        temperature: router.temperature)
    }
    return Routing(
      checked: logits, tokens: rows, adapterCount: adapterCount, topK: router.topK,
      temperature: router.temperature, among: allowed)
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
    PlainEvaluator().evaluate(
      group, layer: layer, of: model, input: input, rows: rows, outputs: outputs, observer: nil,
      parallelism: parallelism)
    let observed = ObservedOutput.each(
      of: group, layer: layer, of: model, values: outputs, rows: rows, observer: observer)
    for output in observed {
      output.update(input) {
        guard let bank = banks[layer][output.module.index] else { return }
        output.add(bank, Routing(onlyAdapterFor: rows), input, by: kernel, parallelism)
      }
    }
  }
}

/// The output of one module, and who sees how it comes about.
private struct ObservedOutput {
  var observer: (any ForwardObserver)?
  var layer: Int
  var module: LinearModule
  var linear: LlamaLinear
  /// `[rows, outFeatures]`: the base product, until updates are added.
  var values: UnsafeMutablePointer<Float>
  var rows: Int

  /// The outputs of a group's modules, in order.
  static func each(
    of group: LinearGroup, layer: Int, of model: LlamaModel,
    values: [UnsafeMutablePointer<Float>], rows: Int, observer: (any ForwardObserver)?
  ) -> [ObservedOutput] {
    zip(group.modules, values).map { module, values in
      ObservedOutput(
        observer: observer, layer: layer, module: module, linear: model.layers[layer][module],
        values: values, rows: rows)
    }
  }

  /// Shows the values before and after what `body` adds.
  func update(_ input: UnsafePointer<Float>, _ body: () -> Void) {
    observe(.input, input, linear.weights.inFeatures)
    observe(.base, values, linear.weights.outFeatures)
    body()
    observe(.output, values, linear.weights.outFeatures)
  }

  /// Adds the routed updates, and shows them alone if somebody wants to see them.
  func add(
    _ bank: LoRABank, _ routing: Routing, _ input: UnsafePointer<Float>,
    by kernel: LoRAMoEKernel, _ parallelism: Parallelism
  ) {
    let point = TracePoint.module(layer, module, .delta)
    guard let observer, observer.wants(point) else {
      kernel.addDelta(
        input: input, routing: routing, bank: bank, to: values, delta: nil,
        parallelism: parallelism)
      return
    }
    let width = linear.weights.outFeatures
    withUnsafeTemporaryAllocation(of: Float.self, capacity: rows * width) { delta in
      kernel.addDelta(
        input: input, routing: routing, bank: bank, to: values, delta: delta.baseAddress,
        parallelism: parallelism)
      if let start = delta.baseAddress { observer.observe(point, start, width: width) }
    }
  }

  func observe(_ routing: Routing, logits: UnsafeBufferPointer<Float>) {
    guard let observer, let start = logits.baseAddress else { return }
    observer.observe(
      .module(layer, module, .gateLogits), start, width: routing.adapterCount)
    (observer as? any RoutingObserver)?.observe(routing, layer: layer, module: module)
  }

  private func observe(
    _ point: TracePoint.ModulePoint, _ values: UnsafePointer<Float>, _ width: Int
  ) {
    observer?.observe(.module(layer, module, point), values, width: width)
  }
}
