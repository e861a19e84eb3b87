import MeteoRAKernels
import MeteoRALlama

/// The output of one linear module, what is added to it, and who sees how it comes about.
///
///     y = W_base · x (+ bias) + Σ_{i∈I} w_i · s_i · B_i (A_i · x)
struct ModuleOutput {
  /// The second term.
  struct Update {
    var bank: LoRABank
    var routing: Routing
    /// `[rows, adapters]`, if the gate chose.
    var logits: UnsafeBufferPointer<Float>?
  }

  let observer: (any ForwardObserver)?
  let layer: Int
  let module: LinearModule
  let linear: LlamaLinear
  /// `[rows, outFeatures]`.
  let values: UnsafeMutablePointer<Float>
  let rows: Int
  /// `nil` leaves the base alone.
  var update: Update?

  /// The outputs of a group's modules, in order.
  static func each(
    of group: LinearGroup, layer: Int, of model: LlamaModel,
    values: [UnsafeMutablePointer<Float>], rows: Int, observer: (any ForwardObserver)?
  ) -> [ModuleOutput] {
    zip(group.modules, values).map { module, values in
      ModuleOutput(
        observer: observer, layer: layer, module: module, linear: model.layers[layer][module],
        values: values, rows: rows)
    }
  }

  /// Computes the outputs of modules that share an input.
  ///
  /// The tiled kernel adds each update to the base product before that is written, unless somebody
  /// wants to see the one without the other, or ranks are huge.
  static func compute(
    _ outputs: [ModuleOutput], from x: ProductInput, by kernel: LoRAMoEKernel,
    _ parallelism: Parallelism
  ) {
    if kernel == .tiled, !outputs.contains(where: \.isSeenInParts),
      let updates = x.updates(outputs.map(\.choice))
    {
      RoutedUpdate.projectDown(updates.compactMap(\.self), x: x.x, parallelism: parallelism)
      multiply(outputs, updates, by: x, parallelism)
      for output in outputs {
        output.observe(.input, x.x, output.linear.weights.inFeatures)
        output.observeRouting()
        output.observe(.output, output.values, output.linear.weights.outFeatures)
      }
      return
    }
    multiply(outputs, outputs.map { _ in nil }, by: x, parallelism)
    for output in outputs {
      output.observe(.input, x.x, output.linear.weights.inFeatures)
      output.observe(.base, output.values, output.linear.weights.outFeatures)
      output.observeRouting()
      output.addUpdate(x.x, by: kernel, parallelism)
      output.observe(.output, output.values, output.linear.weights.outFeatures)
    }
  }

  private static func multiply(
    _ outputs: [ModuleOutput], _ updates: [RoutedUpdate?], by x: ProductInput,
    _ parallelism: Parallelism
  ) {
    let terms = zip(outputs, updates).map { output, update in
      LinearTerm(
        output.linear.weights, bias: output.linear.bias, update: update, to: output.values)
    }
    MeteoRAKernels.multiply(terms, by: x, parallelism: parallelism)
  }

  private var choice: (routing: Routing, bank: LoRABank)? {
    update.map { ($0.routing, $0.bank) }
  }

  private var isSeenInParts: Bool {
    guard let observer else { return false }
    return observer.wants(.module(layer, module, .base))
      || observer.wants(.module(layer, module, .delta))
  }

  /// Adds the update to the base product, and shows it alone if somebody wants to see it.
  private func addUpdate(
    _ x: UnsafePointer<Float>, by kernel: LoRAMoEKernel, _ parallelism: Parallelism
  ) {
    guard let update else { return }
    let point = TracePoint.module(layer, module, .delta)
    guard let observer, observer.wants(point) else {
      kernel.addDelta(
        input: x, routing: update.routing, bank: update.bank, to: values, parallelism: parallelism)
      return
    }
    let width = linear.weights.outFeatures
    let delta = AlignedMemory(byteCount: rows * width * MemoryLayout<Float>.size)
    kernel.addDelta(
      input: x, routing: update.routing, bank: update.bank, to: values, delta: delta.floats,
      parallelism: parallelism)
    observer.observe(point, delta.floats, width: width)
    withExtendedLifetime(delta) {}
  }

  private func observeRouting() {
    guard let observer, let update, let logits = update.logits,
      let start = logits.baseAddress
    else { return }
    observer.observe(
      .module(layer, module, .gateLogits), start, width: update.routing.adapterCount)
    (observer as? any RoutingObserver)?.observe(update.routing, layer: layer, module: module)
  }

  private func observe(
    _ point: TracePoint.ModulePoint, _ values: UnsafePointer<Float>, _ width: Int
  ) {
    observer?.observe(.module(layer, module, point), values, width: width)
  }
}
