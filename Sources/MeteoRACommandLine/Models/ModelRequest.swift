import Foundation
import MeteoRA
import MeteoRAKernels

/// A model as the options ask for it, not loaded yet.
struct ModelRequest {
  /// What the user gave: a bundle or a plain folder.
  var folder: URL
  var files: ModelFiles
  /// The names of all adapters that the options give, also of those that do not run.
  var adapterNames: [String]
  var mode: MeteoRAModel.Mode
  var kernel: LoRAMoEKernel
  var parallelism: Parallelism

  /// The files that ``load(console:isVerbose:)`` and the tokenizer read.
  var filesToRead: [URL] { files.filesToRead(in: folder) }

  /// Loads the model, and describes it on standard error if that is a terminal or asked for.
  ///
  /// - Parameter adapters: What is said of the adapters; `nil` to say what the mode makes of them.
  func load(
    console: Console, isVerbose: Bool, describing adapters: String? = nil
  ) throws -> MeteoRAModel {
    let progress = ProgressLine(on: console)
    progress.show("loading \(files.base.path)")
    let model = try model()
    progress.clear()
    if isVerbose || console.error.isTerminal {
      console.report(summary(of: model, adapters ?? self.adapters(of: model)))
    }
    return model
  }

  /// Adapters that nothing chooses among are loaded one by one.
  private func model() throws -> MeteoRAModel {
    var first = files
    if files.gates == .absent { first.adapters = Array(files.adapters.prefix(1)) }
    let model = try MeteoRAModel(files: first, kernel: kernel, parallelism: parallelism)
    return try files.adapters.dropFirst(first.adapters.count).reduce(model) { try $0.adding($1) }
  }

  private func adapters(of model: MeteoRAModel) -> String {
    switch mode {
    case .noAdapters: "no adapters"
    case .singleAdapter(let name): "adapter \(name) alone"
    case .routedAmong:
      "\(model.adapterNames.count) adapters\(restriction), router top-k \(files.router.topK), "
        + "temperature \(files.router.temperature)"
    }
  }

  private func summary(of model: MeteoRAModel, _ adapters: String) -> String {
    let shape = model.base.configuration
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
