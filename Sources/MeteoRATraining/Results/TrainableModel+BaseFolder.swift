import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

extension TrainableModel {
  /// Writes a base model that was trained as a whole as a Hugging Face folder: `config.json`,
  /// `model.safetensors`, and what is given beside.
  ///
  /// `config.json` gets the type of the weights; a tied model's file holds no `lm_head.weight`. The
  /// folder is loaded, to be sure that it works, before it gets its name.
  ///
  /// - Parameters:
  ///   - folder: Nothing may be there, but its parent.
  ///   - configuration: The `config.json` that the model was made from.
  ///   - companions: A folder with the files of a tokenizer, and `generation_config.json`, of which
  ///     those that are there are copied; `nil` for none.
  /// - Throws: ``MeteoRAError`` if configuration and weights do not fit each other, a weight is not
  ///   finite, or the folder cannot be made.
  package func writeBase(
    to folder: URL, configuration: URL, companions: URL?, as elementType: TrainedElementType
  ) throws(MeteoRAError) {
    let linears = trained.modules.flatMap { $0.flatMap { [$0.weight, $0.bias] } }
    let tensors = linears.compactMap(\.self) + (trained.base?.tensors ?? [])
    let target = try ResultFolder(folder)
    let changed: [UInt8]?
    do throws(JSONError) {
      changed = try BaseFolder.configuration(configuration, elementType: elementType.torchName)
    } catch {
      throw .json(error)
    }
    if let changed {
      try target.write(changed, to: BaseFolder.configuration)
    } else {
      try target.copy(configuration, to: BaseFolder.configuration)
    }
    if let companions {
      for name in BaseFolder(folder: companions).companions {
        try target.copy(companions.appendingPathComponent(name), to: name)
      }
    }
    try TrainedTensorFile(
      target.place(BaseFolder.weights),
      parts: tensors.map { tensor in
        .init(name: tensor.name, shape: tensor.shape) { tensor.array }
      }, elementType: elementType
    ).finish(isDurable: false)
    try ModelFiles(base: target.content).loadCompletely()
    try target.commit()
  }
}
