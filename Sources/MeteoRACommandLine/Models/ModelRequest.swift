import Foundation
import MeteoRA
import MeteoRAKernels

/// A model as the options ask for it, not loaded yet.
struct ModelRequest {
  /// What the user gave: a bundle or a plain folder.
  var folder: URL
  var files: ModelFiles
  var mode: MeteoRAModel.Mode
  var kernel: LoRAMoEKernel
  var parallelism: Parallelism

  /// The files that ``load(console:isVerbose:)`` and the tokenizer read.
  var filesToRead: [URL] { files.filesToRead(in: folder) }

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
    case .routedAmong:
      adapters =
        "\(model.adapterNames.count) adapters\(restriction), router top-k \(files.router.topK), "
        + "temperature \(files.router.temperature)"
    }
    let threads = parallelism.threads
    return
      "Llama, \(FactSheet.count(shape.layerCount, "layer")), hidden \(shape.hiddenSize); \(adapters); "
      + "kernel \(kernel.rawValue), \(threads) thread\(threads == 1 ? "" : "s")"
  }

  /// What the gates may not choose.
  private var restriction: String {
    guard case .routedAmong(let selection) = mode else { return "" }
    return switch selection {
    case .all: ""
    case .only(let names): ", only \(names.joined(separator: ", "))"
    case .without(let names): " without \(names.joined(separator: ", "))"
    }
  }
}
