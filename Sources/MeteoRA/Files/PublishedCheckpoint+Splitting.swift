import Foundation
import MeteoRALlama
import MeteoRASafetensors

// Splitting: from one file with everything to what a bundle holds.
//
//   lora_A [Σr, in]   rows of adapter i      ─▶ adapters/<i>/adapter_model.safetensors  A [r, in]
//   lora_B [out, Σr]  columns of adapter i   ─▶                                         B [out, r]
//   moe_gate [N, in]                         ─▶ gates.safetensors
//
// Bytes are copied as they are, so the numbers and their types stay those of the checkpoint.

extension PublishedCheckpoint {
  /// What PEFT writes into its files, too.
  private static let metadata: SafetensorsMetadata = ["format": "pt"]

  /// Writes the matrices of one adapter as PEFT does.
  ///
  /// - Parameters:
  ///   - index: The adapter's place among the shares.
  ///   - modules: ``changedModules(by:base:)``.
  ///   - url: The `adapter_model.safetensors` to be made.
  /// - Throws: ``MeteoRAError`` if the file cannot be written.
  mutating func writeAdapter(
    _ index: Int, of modules: [ChangedModule], to url: URL
  ) throws(MeteoRAError) {
    var parts: [(a: String, b: String, share: Share)] = []
    for place in modules {
      guard let share = place.shares[index] else { continue }
      parts.append(
        (
          PEFTAdapter.key(place.module, layer: place.layer, "lora_A"),
          PEFTAdapter.key(place.module, layer: place.layer, "lora_B"), share
        ))
    }
    let declarations = parts.flatMap { part -> [SafetensorsWriter.Declaration] in
      let (a, b, rank) = (part.share.a, part.share.b, part.share.ranks.count)
      return [
        .init(part.a, a.dtype, [rank, a.shape[1]]), .init(part.b, b.dtype, [b.shape[0], rank]),
      ]
    }
    let writer = try Self.writer(to: url, tensors: declarations)
    for part in parts {
      try goOn()
      do throws(SafetensorsError) {
        try writer.append(part.share.bytesOfA(), to: part.a)
        try writer.append(part.share.bytesOfB(), to: part.b)
      } catch {
        throw .safetensors(error)
      }
    }
    try Self.finish(writer)
  }

  /// Writes the gates alone.
  ///
  /// - Parameter url: The gates file to be made.
  /// - Throws: ``MeteoRAError``.
  func writeGates(base: LlamaConfiguration, to url: URL) throws(MeteoRAError) {
    var gates: [SafetensorsTensor] = []
    for layer in 0..<base.layerCount {
      for module in LinearModule.allCases {
        let key = PEFTAdapter.key(module, layer: layer, "moe_gate")
        if let gate = source.tensorIfPresent(named: key) { gates.append(gate) }
      }
    }
    let writer = try Self.writer(
      to: url, tensors: gates.map { .init($0.name, $0.dtype, $0.shape) })
    for gate in gates {
      try goOn()
      do throws(SafetensorsError) {
        try gate.withUnsafeBytes { bytes throws(SafetensorsError) in
          try writer.append(bytes: bytes, to: gate.name)
        }
      } catch {
        throw .safetensors(error)
      }
    }
    try Self.finish(writer)
  }

  private static func writer(
    to url: URL, tensors: [SafetensorsWriter.Declaration]
  ) throws(MeteoRAError) -> SafetensorsWriter {
    do throws(SafetensorsError) {
      return try SafetensorsWriter(to: url, tensors: tensors, metadata: metadata)
    } catch {
      throw .safetensors(error)
    }
  }

  private static func finish(_ writer: SafetensorsWriter) throws(MeteoRAError) {
    do throws(SafetensorsError) {
      try writer.finish()
    } catch {
      throw .safetensors(error)
    }
  }
}

extension SafetensorsWriter {
  fileprivate func append(_ bytes: [UInt8], to name: String) throws(SafetensorsError) {
    try bytes.withUnsafeBufferPointer { bytes throws(SafetensorsError) in
      try append(bytes: UnsafeRawBufferPointer(bytes), to: name)
    }
  }
}
