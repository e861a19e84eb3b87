import Foundation
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

/// The low-rank updates of one PEFT folder, for a base of known shape.
package struct PEFTAdapter: Sendable {
  package let name: String
  package let configuration: LoRAConfiguration
  /// By layer and ``LinearModule/index``; `nil` where the adapter leaves a module alone.
  package let updates: [[LoRAAdapter?]]

  package init(name: String, configuration: LoRAConfiguration, updates: [[LoRAAdapter?]]) {
    self.name = name
    self.configuration = configuration
    self.updates = updates
  }

  /// The updates that there are, in the order of the modules.
  var changes: [(layer: Int, module: LinearModule, update: LoRAAdapter)] {
    updates.enumerated().flatMap { layer, modules in
      zip(LinearModule.allCases, modules).compactMap { module, update in
        update.map { (layer, module, $0) }
      }
    }
  }

  package static let configurationFile = "adapter_config.json"
  package static let weightsFile = "adapter_model.safetensors"

  /// The key of a tensor in an adapter file, a gates file or a checkpoint.
  package static func key(_ module: LinearModule, layer: Int, _ part: String) -> String {
    "base_model.model.\(module.path(layer: layer)).\(part).weight"
  }

  /// Loads `adapter_config.json` and `adapter_model.safetensors`.
  ///
  /// The configuration says which modules are changed; the tensors have to be exactly theirs.
  ///
  /// - Parameters:
  ///   - memory: Where the matrices are put.
  ///   - shouldStop: Asked before every tensor.
  /// - Throws: ``MeteoRAError``.
  package init(
    name: String, folder: URL, base: LlamaConfiguration, memory: WeightMemory = WeightMemory(),
    shouldStop: @escaping () -> Bool = { false }
  ) throws(MeteoRAError) {
    let configuration = try LoRAConfiguration(
      contentsOf: folder.appendingPathComponent(Self.configurationFile))
    let file = try Self.weights(in: folder)
    var reader = WeightReader(
      file, parallelism: .serial, memory: memory, shouldStop: shouldStop)
    var work = PatternWork(file: configuration.file)
    var updates: [[LoRAAdapter?]] = []
    for layer in 0..<base.layerCount {
      var modules = [LoRAAdapter?](repeating: nil, count: LinearModule.allCases.count)
      for module in LinearModule.allCases {
        let trained = file.tensorIfPresent(named: Self.key(module, layer: layer, "lora_A"))
        guard
          let update = try configuration.update(
            of: module, layer: layer, trainedRank: trained?.shape.first, work: &work)
        else { continue }
        modules[module.index] = try Self.adapter(
          update, of: module, layer: layer, base: base, reader: &reader, file: file.location)
      }
      updates.append(modules)
    }
    do throws(LlamaError) {
      try reader.requireNothingElse()
    } catch {
      throw Self.explained(error)
    }
    guard updates.contains(where: { $0.contains { $0 != nil } }) else {
      throw .invalid(
        file: configuration.file, field: "target_modules", found: "without effect",
        expected: "at least one linear module of this base model")
    }
    self.name = name
    self.configuration = configuration
    self.updates = updates
  }

  /// Takes the two matrices of a module.
  private static func adapter(
    _ update: LoRAConfiguration.Update, of module: LinearModule, layer: Int,
    base: LlamaConfiguration, reader: inout WeightReader, file: String
  ) throws(MeteoRAError) -> LoRAAdapter {
    let shape = base.shape(of: module)
    let a: WeightMatrix
    let b: WeightMatrix
    do throws(LlamaError) {
      a = try reader.matrix(
        key(module, layer: layer, "lora_A"), outFeatures: update.rank,
        inFeatures: shape.inFeatures)
      b = try reader.matrix(
        key(module, layer: layer, "lora_B"), outFeatures: shape.outFeatures,
        inFeatures: update.rank)
    } catch {
      throw .llama(error)
    }
    do throws(KernelError) {
      return try LoRAAdapter(a: a, b: b, scaling: update.scaling)
    } catch {
      throw .kernel(context: file, error)
    }
  }

  /// Tells a matrix of a module that is not the configuration's, or not this base's, from a tensor
  /// that plain LoRA does not have: a DoRA vector, a bias, a whole module saved beside.
  ///
  /// - Parameter scope: What the configuration was read for.
  static func explained(
    _ error: LlamaError, scope: String = " in this base model"
  ) -> MeteoRAError {
    guard case .unexpectedTensor(let file, let tensor) = error else { return .llama(error) }
    let parts = [".lora_A.weight", ".lora_B.weight"]
    guard parts.contains(where: { tensor.utf8.suffix($0.utf8.count).elementsEqual($0.utf8) })
    else {
      return .unsupported(
        file: file, field: "a tensor", found: "'\(printable(tensor))'",
        supported: "lora_A.weight and lora_B.weight of linear modules")
    }
    return .unexpectedTensor(
      file: file, tensor: tensor,
      reason: "is not one of those that adapter_config.json asks for\(scope)")
  }

  /// The file with the matrices.
  static func weights(in folder: URL) throws(MeteoRAError) -> SafetensorsFile {
    let url = folder.appendingPathComponent(weightsFile)
    let pickled = folder.appendingPathComponent("adapter_model.bin")
    if !FileStatus.isThere(url), FileStatus.isThere(pickled) {
      throw .unsupported(
        file: folder.path, field: "the weights' file", found: "adapter_model.bin",
        supported: weightsFile)
    }
    do throws(SafetensorsError) {
      return try SafetensorsFile(contentsOf: url)
    } catch {
      throw .safetensors(error)
    }
  }
}
