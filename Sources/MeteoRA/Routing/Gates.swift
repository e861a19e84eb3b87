import Foundation
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

/// The gating networks: one matrix `[adapters, inFeatures]` for every module that an adapter
/// changes.
package struct Gates: Sendable {
  /// By layer and ``LinearModule/index``.
  package let weights: [[WeightMatrix?]]

  /// Reads the `moe_gate.weight` tensors of a gates file or a MeteoRA checkpoint.
  ///
  /// - Parameters:
  ///   - isNeeded: Whether some adapter changes a module; other gates may be there, and decide
  ///     nothing.
  ///   - reader: Takes the tensors.
  ///   - source: Where they are.
  /// - Throws: ``MeteoRAError`` if a gate is missing, of another shape, or not finite.
  init(
    adapterCount: Int, base: LlamaConfiguration, isNeeded: (LinearModule, Int) -> Bool,
    reader: inout WeightReader, source: any SafetensorsSource
  ) throws(MeteoRAError) {
    var weights: [[WeightMatrix?]] = []
    for layer in 0..<base.layerCount {
      var modules: [WeightMatrix?] = []
      for module in LinearModule.allCases {
        let key = PEFTAdapter.key(module, layer: layer, "moe_gate")
        if !isNeeded(module, layer), source.tensorIfPresent(named: key) == nil {
          modules.append(nil)
          continue
        }
        let gate: WeightMatrix
        do throws(LlamaError) {
          gate = try reader.matrix(
            key, outFeatures: adapterCount, inFeatures: base.shape(of: module).inFeatures)
        } catch {
          throw .llama(error)
        }
        if !gate.isFinite { throw try Self.nonFinite(key, in: source) }
        modules.append(isNeeded(module, layer) ? gate : nil)
      }
      weights.append(modules)
    }
    self.weights = weights
  }

  /// Reads a gates file of the first of some adapters: gates have as many rows as there were
  /// adapters when they were trained.
  ///
  /// - Returns: The gates, and the number of their rows.
  /// - Throws: ``MeteoRAError`` if the file cannot be read, has more rows than there are adapters, or
  ///   a gate is missing, of another shape, or not finite.
  package static func ofFirst(
    _ adapters: [PEFTAdapter], contentsOf file: URL, base: LlamaConfiguration
  ) throws(MeteoRAError) -> (gates: Gates, rows: Int) {
    let source: SafetensorsFile
    do throws(SafetensorsError) {
      source = try SafetensorsFile(contentsOf: file)
    } catch {
      throw .safetensors(error)
    }
    let suffix = ".moe_gate.weight".utf8
    let first = source.tensors.first {
      $0.name.utf8.suffix(suffix.count).elementsEqual(suffix) && $0.shape.count == 2
    }
    let rows = first?.shape.first ?? 1
    guard rows <= adapters.count else {
      throw .invalid(
        file: source.location, field: first?.name ?? "moe_gate.weight", found: "\(rows) rows",
        expected: "at most one for each of the \(adapters.count) adapters")
    }
    try requireRows(adapterCount: rows, base: base, in: source)
    var reader = WeightReader(
      source, parallelism: .serial, memory: WeightMemory(), shouldStop: { false })
    let gates = try Gates(
      adapterCount: rows, base: base,
      isNeeded: { module, layer in
        adapters.prefix(rows).contains { $0.updates[layer][module.index] != nil }
      }, reader: &reader, source: source)
    do throws(LlamaError) {
      try reader.requireNothingElse()
    } catch {
      throw .llama(error)
    }
    return (gates, rows)
  }

  /// Throws if the gates of a file are those of another number of adapters, or if it holds none.
  ///
  /// Only the header is read, so that a manifest of ten thousand adapters is refused before
  /// any of them is loaded.
  ///
  /// - Throws: ``MeteoRAError``.
  static func requireRows(
    adapterCount: Int, base: LlamaConfiguration, in source: any SafetensorsSource
  ) throws(MeteoRAError) {
    var holdsGate = false
    for layer in 0..<base.layerCount {
      for module in LinearModule.allCases {
        let key = PEFTAdapter.key(module, layer: layer, "moe_gate")
        guard source.tensorIfPresent(named: key) != nil else { continue }
        holdsGate = true
        do throws(SafetensorsError) {
          _ = try source.tensor(
            named: key, shape: [adapterCount, base.shape(of: module).inFeatures])
        } catch {
          throw .llama(.safetensors(error))
        }
      }
    }
    guard holdsGate else {
      throw .invalid(
        file: source.location, field: "moe_gate.weight", found: "absent",
        expected: "the gates of \(adapterCount) adapters")
    }
  }

  /// What is wrong with a gate that holds an infinity or a NaN: its first one.
  private static func nonFinite(
    _ key: String, in source: any SafetensorsSource
  ) throws(MeteoRAError) -> MeteoRAError {
    do throws(SafetensorsError) {
      let tensor = try source.tensor(named: key)
      let element = try tensor.float32Values().firstIndex { !$0.isFinite }
      return .nonFiniteGate(file: tensor.file, tensor: key, element: element ?? 0)
    } catch {
      throw .safetensors(error)
    }
  }
}
