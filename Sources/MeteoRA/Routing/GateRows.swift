import Foundation
import MeteoRALlama
import MeteoRASafetensors

/// One adapter's rows in the gates of a model: a vector `[inFeatures]` for every module that
/// routes.
///
/// Its product with a module's input is the adapter's gate logit there.
///
/// ```swift
/// var rows = GateRows()
/// for module in LinearModule.allCases { rows[layer: 0, module] = trained[module] }
/// ```
public struct GateRows: Sendable {
  private struct Place: Hashable {
    var layer: Int
    var module: LinearModule
  }

  private var rows: [Place: [Float]] = [:]
  /// Where the rows come from, for messages.
  private let source: String

  /// No rows yet.
  public init() {
    source = "gate rows"
  }

  /// Reads a gates file of a single adapter: tensors `….moe_gate.weight` `[1, inFeatures]`.
  ///
  /// - Parameters:
  ///   - file: A safetensors file; F32, BF16 or F16.
  ///   - base: The configuration of the base model.
  /// - Throws: ``MeteoRAError`` if the file cannot be taken, or holds a tensor of another shape or
  ///   another name.
  public init(
    contentsOf file: URL, base: LlamaConfiguration
  ) throws(MeteoRAError) {
    source = file.path
    let tensors: SafetensorsFile
    do throws(SafetensorsError) {
      tensors = try SafetensorsFile(contentsOf: file)
    } catch {
      throw .safetensors(error)
    }
    do throws(LlamaError) {
      var reader = WeightReader(tensors, parallelism: .serial)
      for layer in 0..<base.layerCount {
        for module in LinearModule.allCases {
          let key = PEFTAdapter.key(module, layer: layer, "moe_gate")
          guard tensors.tensorIfPresent(named: key) != nil else { continue }
          let tensor = try reader.tensor(key, shape: [1, base.shape(of: module).inFeatures])
          _ = try WeightReader.format(of: tensor)
          do throws(SafetensorsError) {
            rows[Place(layer: layer, module: module)] = try tensor.float32Values()
          } catch {
            throw LlamaError.safetensors(error)
          }
        }
      }
      try reader.requireNothingElse()
    } catch {
      throw .llama(error)
    }
  }

  /// The row of a module, `[inFeatures]`; `nil` if there is none.
  public subscript(layer layer: Int, module: LinearModule) -> [Float]? {
    get { rows[Place(layer: layer, module: module)] }
    set { rows[Place(layer: layer, module: module)] = newValue }
  }

  /// The row of a module that routes.
  ///
  /// - Throws: ``MeteoRAError`` if it is missing, has another length, or is not finite.
  func row(layer: Int, module: LinearModule, count: Int) throws(MeteoRAError) -> [Float] {
    let path = module.path(layer: layer)
    guard let row = self[layer: layer, module] else {
      throw .invalid(
        file: source, field: "the row of \(path)", found: "missing",
        expected: "\(count) elements, since the module routes")
    }
    guard row.count == count else {
      throw .invalid(
        file: source, field: "the row of \(path)", found: "\(row.count) elements long",
        expected: "\(count) elements")
    }
    if let element = row.firstIndex(where: { !$0.isFinite }) {
      throw .nonFiniteGate(file: source, tensor: path, element: element)
    }
    return row
  }
}
