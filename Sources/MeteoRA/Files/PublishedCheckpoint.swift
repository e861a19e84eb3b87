import Foundation
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

/// A MeteoRA checkpoint as the published code saves it: base, adapters and gates in one file.
///
/// Of a module with N adapters it holds `lora_A [Σr, in]` and `lora_B [out, Σr]`: adapter i owns
/// the rows and columns from the sum of the ranks before it. It records neither names, nor their
/// order, nor alphas: those come from PEFT folders given beside it.
struct PublishedCheckpoint {
  let source: any SafetensorsSource
  private var reader: WeightReader

  /// - Parameter shouldStop: Asked before every tensor that is taken.
  /// - Throws: ``MeteoRAError/safetensors(_:)``.
  init(
    contentsOf url: URL, shouldStop: @escaping () -> Bool = { false }
  ) throws(MeteoRAError) {
    do throws(SafetensorsError) {
      source = try SafetensorsFile(contentsOf: url)
    } catch {
      throw .safetensors(error)
    }
    reader = WeightReader(source, parallelism: .serial, shouldStop: shouldStop)
  }

  /// The gates of all modules.
  mutating func gates(
    adapterCount: Int, base: LlamaConfiguration, isNeeded: (LinearModule, Int) -> Bool
  ) throws(MeteoRAError) -> Gates {
    try Gates(
      adapterCount: adapterCount, base: base, isNeeded: isNeeded, reader: &reader, source: source)
  }

  /// What belongs to one adapter in the A and B of a module.
  struct Share {
    /// `[Σr, in]` and `[out, Σr]`, of all adapters.
    var a: SafetensorsTensor
    var b: SafetensorsTensor
    /// The adapter's rows of A and columns of B.
    var ranks: Range<Int>
    var scaling: Float

    /// The adapter's `[r, in]`, row-major, as stored.
    func bytesOfA() -> [UInt8] { a.bytes(rows: ranks, columns: 0..<a.shape[1]) }
    /// The adapter's `[out, r]`, row-major, as stored.
    func bytesOfB() -> [UInt8] { b.bytes(rows: 0..<b.shape[0], columns: ranks) }
  }

  /// A module that some adapter changes.
  struct ChangedModule {
    var layer: Int
    var module: LinearModule
    /// One for each adapter; `nil` where it leaves the module alone.
    var shares: [Share?]
  }

  /// The modules that some adapter changes, layer after layer.
  ///
  /// - Parameter configurations: Those of the adapters, in their order.
  mutating func changedModules(
    by configurations: [LoRAConfiguration], base: LlamaConfiguration
  ) throws(MeteoRAError) -> [ChangedModule] {
    var works = configurations.map { PatternWork(file: $0.file) }
    var modules: [ChangedModule] = []
    for layer in 0..<base.layerCount {
      for module in LinearModule.allCases {
        var planned: [LoRAConfiguration.Update?] = []
        for index in configurations.indices {
          planned.append(
            try configurations[index].update(of: module, layer: layer, work: &works[index]))
        }
        if planned.allSatisfy({ $0 == nil }) { continue }
        modules.append(
          ChangedModule(
            layer: layer, module: module,
            shares: try shares(of: module, layer: layer, planned: planned, base: base)))
      }
    }
    return modules
  }

  /// Divides the tensors of a module.
  private mutating func shares(
    of module: LinearModule, layer: Int, planned: [LoRAConfiguration.Update?],
    base: LlamaConfiguration
  ) throws(MeteoRAError) -> [Share?] {
    let total = planned.reduce(0) { $0 + ($1?.rank ?? 0) }
    let shape = base.shape(of: module)
    let a: SafetensorsTensor
    let b: SafetensorsTensor
    do throws(LlamaError) {
      a = try reader.tensor(
        PEFTAdapter.key(module, layer: layer, "lora_A"), shape: [total, shape.inFeatures])
      b = try reader.tensor(
        PEFTAdapter.key(module, layer: layer, "lora_B"), shape: [shape.outFeatures, total])
      _ = try (WeightReader.format(of: a), WeightReader.format(of: b))
    } catch {
      throw .llama(error)
    }
    var first = 0
    return planned.map { update in
      guard let update else { return nil }
      defer { first += update.rank }
      return Share(a: a, b: b, ranks: first..<first + update.rank, scaling: update.scaling)
    }
  }

  /// Throws unless every other tensor of the checkpoint is that of the base model, byte for byte.
  ///
  /// The published code would run the checkpoint's base: a different one here would silently give
  /// other results.
  mutating func requireBase(_ base: any SafetensorsSource) throws(MeteoRAError) {
    for tensor in base.tensors {
      try goOn()
      for name in Self.names(of: tensor.name) {
        guard let own = reader.tensorIfPresent(name) else { continue }
        guard own.isIdentical(to: tensor) else {
          throw .baseDiffers(file: own.file, tensor: name, base: base.location)
        }
      }
    }
    // A tied model's checkpoint holds the output matrix, its folder does not.
    if base.tensorIfPresent(named: Self.head) == nil,
      let own = reader.tensorIfPresent("base_model.model.\(Self.head)"),
      let embedding = base.tensorIfPresent(named: "model.embed_tokens.weight"),
      !own.isIdentical(to: embedding)
    {
      throw .baseDiffers(file: own.file, tensor: own.name, base: base.location)
    }
    do throws(LlamaError) {
      try reader.requireNothingElse(except: LlamaModel.isDerived)
    } catch {
      throw .llama(error)
    }
  }

  /// Throws if the caller wants to stop; asked between tensors that are only copied or compared.
  func goOn() throws(MeteoRAError) {
    do throws(LlamaError) {
      try reader.goOn()
    } catch {
      throw .llama(error)
    }
  }

  private static let head = "lm_head.weight"

  /// What the checkpoint may call a tensor of the base: a linear module that has adapters keeps
  /// its weight under `base_layer`.
  private static func names(of name: String) -> [String] {
    let plain = "base_model.model.\(name)"
    for suffix in [".weight", ".bias"]
    where name.utf8.reversed().starts(with: suffix.utf8.reversed()) {
      let path = name.utf8.dropLast(suffix.utf8.count)
      return [
        plain, "base_model.model.\(String(decoding: path, as: UTF8.self)).base_layer\(suffix)",
      ]
    }
    return [plain]
  }
}

extension PublishedCheckpoint.Share {
  /// The adapter's matrices, packed.
  func adapter() throws(MeteoRAError) -> LoRAAdapter {
    let formats: (a: WeightFormat, b: WeightFormat)
    do throws(LlamaError) {
      formats = try (WeightReader.format(of: a), WeightReader.format(of: b))
    } catch {
      throw .llama(error)
    }
    do throws(KernelError) {
      return try LoRAAdapter(
        a: Self.pack(bytesOfA(), formats.a, rows: ranks.count, columns: a.shape[1]),
        b: Self.pack(bytesOfB(), formats.b, rows: b.shape[0], columns: ranks.count),
        scaling: scaling)
    } catch {
      throw .kernel(context: a.file, error)
    }
  }

  private static func pack(
    _ part: [UInt8], _ format: WeightFormat, rows: Int, columns: Int
  ) throws(KernelError) -> WeightMatrix {
    try part.withUnsafeBufferPointer { bytes throws(KernelError) in
      try WeightMatrix(
        rowMajor: UnsafeRawBufferPointer(bytes), outFeatures: rows, inFeatures: columns,
        format: format)
    }
  }
}

extension SafetensorsTensor {
  /// A part of a matrix, row-major, as stored.
  fileprivate func bytes(rows: Range<Int>, columns: Range<Int>) -> [UInt8] {
    let width = dtype.byteCount
    let stride = shape[1] * width
    let part = columns.lowerBound * width..<columns.upperBound * width
    return withUnsafeBytes { bytes in
      var result: [UInt8] = []
      result.reserveCapacity(rows.count * part.count)
      for row in rows {
        result += bytes[row * stride + part.lowerBound..<row * stride + part.upperBound]
      }
      return result
    }
  }
}
