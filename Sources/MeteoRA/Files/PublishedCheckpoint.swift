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

  /// - Parameters:
  ///   - memory: Where the gates are put.
  ///   - shouldStop: Asked before every tensor that is taken.
  /// - Throws: ``MeteoRAError/safetensors(_:)``.
  init(
    contentsOf url: URL, memory: WeightMemory = WeightMemory(),
    shouldStop: @escaping () -> Bool = { false }
  ) throws(MeteoRAError) {
    do throws(SafetensorsError) {
      source = try SafetensorsFile(contentsOf: url)
    } catch {
      throw .safetensors(error)
    }
    reader = WeightReader(
      source, parallelism: .serial, memory: memory, shouldStop: shouldStop)
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
    func bytesOfA() throws(SafetensorsError) -> [UInt8] {
      try a.bytes(rows: ranks, columns: 0..<a.shape[1])
    }
    /// The adapter's `[out, r]`, row-major, as stored.
    func bytesOfB() throws(SafetensorsError) -> [UInt8] {
      try b.bytes(rows: 0..<b.shape[0], columns: ranks)
    }
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
        guard try Self.isIdentical(own, tensor) else {
          throw .baseDiffers(file: own.file, tensor: name, base: base.location)
        }
      }
    }
    // A tied model's checkpoint holds the output matrix, its folder does not.
    if base.tensorIfPresent(named: Self.head) == nil,
      let own = reader.tensorIfPresent("base_model.model.\(Self.head)"),
      let embedding = base.tensorIfPresent(named: "model.embed_tokens.weight"),
      try !Self.isIdentical(own, embedding)
    {
      throw .baseDiffers(file: own.file, tensor: own.name, base: base.location)
    }
    do throws(LlamaError) {
      try reader.requireNothingElse(except: LlamaModel.isDerived)
    } catch {
      throw .llama(error)
    }
  }

  private static func isIdentical(
    _ first: SafetensorsTensor, _ second: SafetensorsTensor
  ) throws(MeteoRAError) -> Bool {
    do throws(SafetensorsError) {
      return try first.isIdentical(to: second)
    } catch {
      throw .safetensors(error)
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

extension PublishedCheckpoint.ChangedModule {
  /// The matrices of all adapters, packed; the checkpoint's are read once.
  ///
  /// - Parameter memory: Where they are put.
  /// - Throws: ``MeteoRAError``.
  func adapters(in memory: WeightMemory) throws(MeteoRAError) -> [LoRAAdapter?] {
    guard let (a, b) = shares.lazy.compactMap({ $0 }).first.map({ ($0.a, $0.b) }) else {
      return shares.map { _ in nil }
    }
    let (allOfA, allOfB): ([UInt8], [UInt8])
    do throws(SafetensorsError) {
      allOfA = try a.bytes(in: 0..<a.byteCount)
      allOfB = try b.bytes(in: 0..<b.byteCount)
    } catch {
      throw .safetensors(error)
    }
    var adapters: [LoRAAdapter?] = []
    for share in shares {
      guard let share else {
        adapters.append(nil)
        continue
      }
      let (rank, from) = (share.ranks.count, share.ranks.lowerBound)
      adapters.append(
        try share.adapter(
          a: a.part(rows: share.ranks, columns: 0..<a.shape[1], of: allOfA, in: memory),
          b: b.part(rows: 0..<b.shape[0], columns: from..<from + rank, of: allOfB, in: memory)))
    }
    return adapters
  }
}

extension PublishedCheckpoint.Share {
  fileprivate func adapter(a: WeightMatrix, b: WeightMatrix) throws(MeteoRAError) -> LoRAAdapter {
    do throws(KernelError) {
      return try LoRAAdapter(a: a, b: b, scaling: scaling)
    } catch {
      throw .kernel(context: self.a.file, error)
    }
  }
}

extension SafetensorsTensor {
  /// A part of a matrix, packed.
  ///
  /// - Parameter bytes: All of the tensor's.
  fileprivate func part(
    rows: Range<Int>, columns: Range<Int>, of bytes: [UInt8], in memory: WeightMemory
  ) throws(MeteoRAError) -> WeightMatrix {
    let width = dtype.byteCount
    let stride = shape[1] * width
    let format: WeightFormat
    do throws(LlamaError) {
      format = try WeightReader.format(of: self)
    } catch {
      throw .llama(error)
    }
    do throws(KernelError) {
      let packing = try WeightPacking(
        outFeatures: rows.count, inFeatures: columns.count, format: format,
        byteCount: rows.count * columns.count * width, memory: memory)
      let first = rows.lowerBound * stride + columns.lowerBound * width
      return bytes.withUnsafeBytes { bytes in
        WeightMatrix(
          packing.pack(
            UnsafeRawBufferPointer(rebasing: bytes[min(first, bytes.count)...]), stride: stride,
            parallelism: .serial))
      }
    } catch {
      throw .kernel(context: file, error)
    }
  }

  /// A part of a matrix, row-major, as stored.
  fileprivate func bytes(
    rows: Range<Int>, columns: Range<Int>
  ) throws(SafetensorsError) -> [UInt8] {
    let width = dtype.byteCount
    let stride = shape[1] * width
    if columns.count == shape[1] {
      return try bytes(in: rows.lowerBound * stride..<rows.upperBound * stride)
    }
    let part = columns.lowerBound * width..<columns.upperBound * width
    var result: [UInt8] = []
    result.reserveCapacity(rows.count * part.count)
    // Some rows at a time: 256 KiB, or one.
    let rowsAtATime = max((256 << 10) / max(stride, 1), 1)
    for first in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: rowsAtATime) {
      let last = min(first + rowsAtATime, rows.upperBound)
      let whole = try bytes(in: first * stride..<last * stride)
      for row in 0..<last - first {
        result += whole[row * stride + part.lowerBound..<row * stride + part.upperBound]
      }
    }
    return result
  }
}
