import MeteoRA
import MeteoRAKernels

/// A model as the options ask for it, not loaded yet.
struct ModelRequest {
  var files: ModelFiles
  var mode: MeteoRAModel.Mode
  var kernel: LoRAMoEKernel
  var parallelism: Parallelism

  /// Loads the model, and describes it on standard error if that is a terminal or asked for.
  func load(console: Console, isVerbose: Bool) throws -> MeteoRAModel {
    let progress = ProgressLine(on: console)
    progress.show("loading \(files.base.path)")
    let model = try MeteoRAModel(files: files, kernel: kernel, parallelism: parallelism)
    progress.clear()
    if isVerbose || console.error.isTerminal { console.report(summary(of: model)) }
    return model
  }

  private func summary(of model: MeteoRAModel) -> String {
    let shape = model.base.configuration
    let adapters: String
    switch mode {
    case .noAdapters: adapters = "no adapters"
    case .singleAdapter(let name): adapters = "adapter \(name) alone"
    case .routed:
      adapters =
        "\(model.adapterNames.count) adapters, router top-k \(files.router.topK), "
        + "temperature \(files.router.temperature)"
    }
    let threads = parallelism.threads
    return "Llama, \(shape.layerCount) layers, hidden \(shape.hiddenSize); \(adapters); "
      + "kernel \(kernel.rawValue), \(threads) thread\(threads == 1 ? "" : "s")"
  }
}
