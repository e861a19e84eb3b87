import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

// One file with everything, as the published code saves it:
//
//   base_model.model.{module path}.base_layer.weight     the base's, as stored
//   base_model.model.{module path}.moe_gate.weight       [N, in]
//   base_model.model.{module path}.lora_A.weight         [Σr, in]    adapter after adapter
//   base_model.model.{module path}.lora_B.weight         [out, Σr]   adapter after adapter
//   base_model.model.{other name}                        the base's, as stored
//
// A module without adapters keeps its name, without `base_layer`. A tied model's head is written
// beside the embedding.

extension TrainableModel {
  /// Writes the model in the layout of the published code.
  ///
  /// The base's tensors are copied as they are stored; `elementType` is that of adapters and gates.
  ///
  /// - Parameters:
  ///   - file: An older file of that name is replaced when this one is complete.
  ///   - base: The folder of the base that the model was trained on.
  /// - Throws: ``MeteoRAError`` if there is no gate, a weight is not finite, the base cannot be read, or the file
  ///   cannot be written.
  package func writePublishedCheckpoint(
    to file: URL, base: URL, as elementType: TrainedElementType
  ) throws(MeteoRAError) {
    guard gateCount > 0 else { throw .notRouted(model: file.path) }
    let weights: SafetensorsCheckpoint
    do throws(SafetensorsError) {
      weights = try SafetensorsCheckpoint(folder: base)
    } catch {
      throw .safetensors(error)
    }
    var parts = gateParts
    for (layer, module, routed) in routedModules {
      let adapters = routed.bank.adapters.compactMap(\.self)
      let ranks = adapters.reduce(0) { $0 + $1.rank }
      parts.append(
        .init(
          name: PEFTAdapter.key(module, layer: layer, "lora_A"),
          shape: [ranks, routed.bank.inFeatures]
        ) { adapters.flatMap { $0.a.floats } })
      parts.append(
        .init(
          name: PEFTAdapter.key(module, layer: layer, "lora_B"),
          shape: [routed.bank.outFeatures, ranks]
        ) { Self.besideEachOther(adapters.map(\.b)) })
    }
    try TrainedTensorFile(
      file, parts: parts, copied: publishedNames(of: weights), elementType: elementType
    ).finish(isDurable: true)
  }

  /// Matrices of as many rows, as one: `[rows, Σ columns]`, row-major.
  private static func besideEachOther(_ matrices: [WeightMatrix]) -> [Float] {
    let parts = matrices.map { (values: $0.floats, width: $0.inFeatures) }
    return (0..<(matrices.first?.outFeatures ?? 0)).flatMap { row in
      parts.flatMap { $0.values[row * $0.width..<(row + 1) * $0.width] }
    }
  }

  /// The base's tensors and what the published code calls them.
  private func publishedNames(
    of base: SafetensorsCheckpoint
  ) -> [(name: String, tensor: SafetensorsTensor)] {
    var wrapped: [[UInt8]: String] = [:]
    for (layer, module, _) in routedModules {
      let path = module.path(layer: layer)
      for part in ["weight", "bias"] {
        wrapped[Array("\(path).\(part)".utf8)] = "\(path).base_layer.\(part)"
      }
    }
    var names: [(name: String, tensor: SafetensorsTensor)] = []
    for tensor in base.tensors where !LlamaModel.isDerived(tensor.name) {
      names.append(
        ("base_model.model.\(wrapped[Array(tensor.name.utf8)] ?? tensor.name)", tensor))
    }
    let head = "lm_head.weight"
    if base.tensorIfPresent(named: head) == nil,
      let embedding = base.tensorIfPresent(named: "model.embed_tokens.weight")
    {
      names.append(("base_model.model.\(head)", embedding))
    }
    return names
  }
}
