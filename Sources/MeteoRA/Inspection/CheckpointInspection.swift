import Foundation
import MeteoRALlama
import MeteoRASafetensors

/// What a checkpoint of the published code holds: base, adapters and gates in one file.
public struct CheckpointInspection: Sendable {
  /// The path of the file.
  public let path: String
  /// What the file holds.
  public let totals: TensorTotals
  /// Rows of the gates: the adapters.
  public let adapterCount: Int
  /// One more than the highest layer with adapters.
  public let layerCount: Int
  /// Modules that have adapters in some layer.
  public let modules: [LinearModule]
  /// The distinct sums of the adapters' ranks in a module, ascending.
  public let rankSums: [Int]
  /// Tensors of the base.
  public let baseTensors: Int
  /// What in the file contradicts itself.
  public let problems: [MeteoRAError]

  /// Reads a checkpoint's header.
  ///
  /// - Throws: ``MeteoRAError/safetensors(_:)`` if the file cannot be read.
  public init(contentsOf url: URL) throws(MeteoRAError) {
    do throws(SafetensorsError) {
      self.init(try SafetensorsFile(contentsOf: url))
    } catch {
      throw .safetensors(error)
    }
  }

  init(_ source: SafetensorsFile) {
    path = source.location
    totals = TensorTotals(source)
    let tensors = ModuleTensors(source)
    layerCount = tensors.layerCount
    let places = tensors.places
    let present = Set(places.map(\.module))
    modules = LinearModule.allCases.filter(present.contains)
    baseTensors = tensors.others.count
    let rows = places.compactMap { tensors[$0, .gate]?.shape.first }.first
    adapterCount = rows ?? 0

    var expectations = TensorExpectations(of: source)
    var sums: Set<Int> = []
    for place in places {
      func name(_ part: ModuleTensors.Part) -> String {
        PEFTAdapter.key(place.module, layer: place.layer, part.rawValue)
      }
      let a = expectations.expect(name(.a), shape: [nil, nil])
      expectations.expect(name(.b), shape: [nil, a?.shape[0]])
      expectations.expect(name(.gate), shape: [rows, a?.shape[1]])
      if let a { sums.insert(a.shape[0]) }
    }
    rankSums = sums.sorted()
    problems = expectations.problems
  }
}
