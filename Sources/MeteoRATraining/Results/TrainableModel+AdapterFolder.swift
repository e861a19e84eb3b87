import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRALlama

/// Where the `adapter_config.json` of a trained adapter comes from.
package enum AdapterConfigurationSource: Sendable {
  /// That of the adapter before it was trained, copied.
  case file(URL)
  /// That of a new adapter.
  case settings(LoRASettings)
}

extension TrainableModel {
  /// Writes an adapter that the model computes with as PEFT does: `adapter_config.json` and
  /// `adapter_model.safetensors`.
  ///
  /// The folder is loaded, to be sure that it works, before it gets its name.
  ///
  /// - Parameters:
  ///   - index: The adapter's row in the gates; 0 for one adapter alone.
  ///   - folder: Nothing may be there, but its parent.
  /// - Throws: ``MeteoRAError`` if configuration and weights do not fit each other, a weight is not
  ///   finite, or the folder cannot be made.
  package func writeAdapter(
    _ index: Int = 0, to folder: URL, configuration: AdapterConfigurationSource,
    as elementType: TrainedElementType
  ) throws(MeteoRAError) {
    var parts: [TrainedTensorFile.Part] = []
    for (layer, module, routed) in routedModules {
      guard routed.bank.adapters.indices.contains(index), let adapter = routed.bank.adapters[index]
      else { continue }
      parts.append(.init(PEFTAdapter.key(module, layer: layer, "lora_A"), adapter.a))
      parts.append(.init(PEFTAdapter.key(module, layer: layer, "lora_B"), adapter.b))
    }
    let target = try ResultFolder(folder)
    switch configuration {
    case .file(let file): try target.copy(file, to: PEFTAdapter.configurationFile)
    case .settings(let settings):
      try target.write(settings.fileContent, to: PEFTAdapter.configurationFile)
    }
    try TrainedTensorFile(
      target.place(PEFTAdapter.weightsFile), parts: parts, elementType: elementType
    ).finish(isDurable: false)
    _ = try PEFTAdapter(
      name: folder.lastPathComponent, folder: target.content, base: self.configuration)
    try target.commit()
  }
}
