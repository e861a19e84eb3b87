import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRALlama

extension TrainableModel {
  /// Writes the gates that the model computes with, as a gates file:
  /// `base_model.model.{module path}.moe_gate.weight [adapters, inFeatures]`.
  ///
  /// - Parameter file: An older file of that name is replaced when this one is complete.
  /// - Throws: ``MeteoRAError`` if there is no gate, one is not finite, or the file cannot be
  ///   written.
  package func writeGates(
    to file: URL, as elementType: TrainedElementType
  ) throws(MeteoRAError) {
    guard gateCount > 0 else { throw .notRouted(model: file.path) }
    try TrainedTensorFile(file, parts: gateParts, elementType: elementType)
      .finish(isDurable: true)
  }

  /// The gates, in the order of modules.
  var gateParts: [TrainedTensorFile.Part] {
    routedModules.compactMap { layer, module, routed in
      routed.gate.map { .init(PEFTAdapter.key(module, layer: layer, "moe_gate"), $0) }
    }
  }

  /// The modules that have adapters.
  var routedModules: [(layer: Int, module: LinearModule, routed: TrainableModule)] {
    modules.enumerated().flatMap { layer, row in
      zip(LinearModule.allCases, row).compactMap { module, routed in
        routed.map { (layer, module, $0) }
      }
    }
  }
}

extension TrainedTensorFile.Part {
  init(_ name: String, _ matrix: WeightMatrix) {
    self.init(name: name, shape: [matrix.outFeatures, matrix.inFeatures]) { matrix.floats }
  }
}
