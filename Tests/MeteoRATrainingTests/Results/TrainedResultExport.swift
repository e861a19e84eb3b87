import Foundation
import MeteoRA
import MeteoRASafetensors
import Testing

@testable import MeteoRATraining

/// Writes results for `Fixtures/oracle/check_trained.py`, which loads them with PEFT and
/// Transformers:
///
///     METEORA_TRAINED_RESULTS=FOLDER swift test --filter TrainedResultExport
@Suite("Results for other programs to load")
struct TrainedResultExport {
  private static let folder = ProcessInfo.processInfo.environment["METEORA_TRAINED_RESULTS"].map {
    URL(fileURLWithPath: $0, isDirectory: true)
  }

  @Test(
    "they are written", .enabled(if: folder != nil), arguments: TrainedElementType.allCases)
  func write(type: TrainedElementType) throws {
    let folder = try #require(Self.folder)
    for name in TrainedResultTests.models {
      let place = try place("gates-\(name)-\(type.rawValue)", in: folder)
      try writeGatesAndAdapters(try ResultExample(name), to: place, as: type)
    }
    for name in ["mha-tied", "bias-f16", "hf4-llama3-tied-bf16", "rope-parameters"] {
      let place = try place("base-\(name)-\(type.rawValue)", in: folder)
      let example = try ResultExample(name, .base)
      try writeExpected(example, to: place)
      try example.model.writeBase(
        to: place.appendingPathComponent("base"),
        configuration: example.files.base.appendingPathComponent("config.json"),
        companions: example.files.base, as: type)
    }
    for index in LoRASettingsTests.all.indices {
      let settings = LoRASettingsTests.all[index]
      let place = try place("settings-\(index)-\(type.rawValue)", in: folder)
      let example = try SettingsExample(settings, on: "mha-tied")
      try copyBase(example.base, to: place)
      try writeExpected(
        example.model.trained.tensors.map { ("adapters/new/\($0.name)", $0) },
        scalings: example.updates.enumerated().flatMap { layer, row in
          zip(LinearModule.allCases, row).compactMap { module, update in
            update.map { ("scaling/new/\(module.path(layer: layer))", $0.scaling) }
          }
        }, to: place)
      try example.model.writeAdapter(
        to: place.appendingPathComponent("adapters/new"), configuration: .settings(settings),
        as: type)
    }
  }

  private func place(_ name: String, in folder: URL) throws -> URL {
    let place = folder.appendingPathComponent(name, isDirectory: true)
    try FileManager.default.createDirectory(
      at: place.appendingPathComponent("adapters"), withIntermediateDirectories: true)
    return place
  }

  private func copyBase(_ base: URL, to place: URL) throws {
    let copy = place.appendingPathComponent("base", isDirectory: true)
    try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
    for name in try FolderListing.names(in: base)
    where ["adapters", "gates.safetensors"].contains(name) == false {
      _ = try FileCopy.copy(
        base.appendingPathComponent(name), to: copy.appendingPathComponent(name),
        shouldStop: { false })
    }
  }

  private func writeGatesAndAdapters(
    _ example: ResultExample, to place: URL, as type: TrainedElementType
  ) throws {
    try copyBase(example.files.base, to: place)
    try writeExpected(example, to: place)
    try example.model.writeGates(to: place.appendingPathComponent("gates.safetensors"), as: type)
    for (index, adapter) in example.files.adapters.enumerated() {
      try example.model.writeAdapter(
        index, to: place.appendingPathComponent("adapters/\(adapter.name)"),
        configuration: example.configuration(of: index), as: type)
    }
    let names = JSONOutput.array(example.files.adapters.map { .string($0.name) })
    try ReplacementFile.write(names.page, to: place.appendingPathComponent("order.json"))
    try example.model.writePublishedCheckpoint(
      to: place.appendingPathComponent("checkpoint.safetensors"), base: example.files.base,
      as: type)
  }

  private func writeExpected(_ example: ResultExample, to place: URL) throws {
    var scalings: [(name: String, value: Float)] = []
    for (adapter, loaded) in zip(example.files.adapters, example.parts.adapters) {
      for (layer, row) in loaded.updates.enumerated() {
        for (module, update) in zip(LinearModule.allCases, row) {
          guard let update else { continue }
          scalings.append(
            ("scaling/\(adapter.name)/\(module.path(layer: layer))", update.scaling))
        }
      }
    }
    try writeExpected(
      example.expected, scalings: example.model.trained.base == nil ? scalings : [], to: place)
  }

  private func writeExpected(
    _ tensors: [(name: String, tensor: TrainedTensor)], scalings: [(name: String, value: Float)],
    to place: URL
  ) throws {
    let writer = try SafetensorsWriter(
      to: place.appendingPathComponent("expected.safetensors"),
      tensors: tensors.map { .init($0.name, .f32, $0.tensor.shape) }
        + scalings.map { .init($0.name, .f32, []) })
    for (name, tensor) in tensors { try writer.append(tensor.array, to: name) }
    for (name, value) in scalings { try writer.append([value], to: name) }
    try writer.finish()
  }
}
