import Foundation
import MeteoRALlama
import MeteoRASafetensors

/// What a gates file holds.
public struct GatesInspection: Sendable {
  /// The path of the file.
  public let path: String
  /// What the file holds.
  public let totals: TensorTotals
  /// Rows of the gates: the adapters to choose among; `nil` if there is no gate.
  public let adapterCount: Int?
  /// One more than the highest layer.
  public let layerCount: Int
  /// Modules that have a gate in some layer.
  public let modules: [LinearModule]
  /// Everything that would keep the gates from being loaded; without a model, as far as the file
  /// alone can tell.
  public let problems: [MeteoRAError]

  /// Reads a gates file and all its numbers.
  ///
  /// - Throws: ``MeteoRAError/safetensors(_:)`` if the file cannot be read.
  public init(contentsOf url: URL) throws(MeteoRAError) {
    do throws(SafetensorsError) {
      self.init(try SafetensorsFile(contentsOf: url), model: nil)
    } catch {
      throw .safetensors(error)
    }
  }

  /// What the gates have to fit.
  struct Model {
    var base: LlamaConfiguration
    var adapterCount: Int
    /// Modules that some adapter changes.
    var changed: Set<ModulePlace>
  }

  init(_ source: SafetensorsFile, model: Model?) {
    path = source.location
    totals = TensorTotals(source)
    let tensors = ModuleTensors(source)
    let gates = tensors.places.compactMap { tensors[$0, .gate] }
    adapterCount = gates.first.flatMap { $0.shape.first }
    layerCount = tensors.layerCount
    let present = Set(tensors.places.filter { tensors[$0, .gate] != nil }.map(\.module))
    modules = LinearModule.allCases.filter(present.contains)

    var expectations = TensorExpectations(of: source)
    let own = Set(tensors.places.filter { tensors[$0, .gate] != nil })
    let known = own.filter { $0.layer < model?.base.layerCount ?? .max }
    for place in known.union(model?.changed ?? []).sorted() {
      let name = PEFTAdapter.key(place.module, layer: place.layer, "moe_gate")
      let width = model?.base.shape(of: place.module).inFeatures
      let gate = expectations.expect(name, shape: [model?.adapterCount ?? adapterCount, width])
      if let gate, let element = Self.firstNonFinite(gate) {
        expectations.report(
          .nonFiniteGate(file: gate.file, tensor: gate.name, element: element))
      }
    }
    expectations.expectNothingElse { tensor in
      .llama(.unexpectedTensor(file: tensor.file, tensor: tensor.name))
    }
    problems = expectations.problems
  }

  private static func firstNonFinite(_ gate: SafetensorsTensor) -> Int? {
    // Expected weights have a type that widens, so reading cannot fail.
    (try? gate.float32Values())?.firstIndex { !$0.isFinite }
  }
}
