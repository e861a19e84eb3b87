import MeteoRAKernels
import MeteoRASafetensors

/// Takes tensors out of a checkpoint as weights, and remembers which ones it took.
package struct WeightReader {
  private let source: any SafetensorsSource
  private let parallelism: Parallelism
  private let memory: WeightMemory
  private let shouldStop: () -> Bool
  private var taken: Set<[UInt8]> = []

  /// - Parameters:
  ///   - parallelism: Threads that read and pack a matrix.
  ///   - memory: Where matrices are put.
  ///   - shouldStop: Asked before every tensor; `true` makes taking it throw.
  package init(
    _ source: any SafetensorsSource, parallelism: Parallelism,
    memory: WeightMemory = WeightMemory(), shouldStop: @escaping () -> Bool = { false }
  ) {
    self.source = source
    self.parallelism = parallelism
    self.memory = memory
    self.shouldStop = shouldStop
  }

  /// - Throws: ``LlamaError/cancelled(path:)`` if the caller wants to stop.
  package func goOn() throws(LlamaError) {
    if shouldStop() { throw .cancelled(path: source.location) }
  }

  /// A matrix `[outFeatures, inFeatures]`, at its stored width.
  ///
  /// - Throws: ``LlamaError`` if the tensor is missing, has another shape, or a type that weights
  ///   cannot have.
  package mutating func matrix(
    _ name: String, outFeatures: Int, inFeatures: Int
  ) throws(LlamaError) -> WeightMatrix {
    let tensor = try take(name, shape: [outFeatures, inFeatures])
    let format = try Self.format(of: tensor)
    let packing: WeightPacking
    do throws(KernelError) {
      packing = try WeightPacking(
        outFeatures: outFeatures, inFeatures: inFeatures, format: format,
        byteCount: tensor.byteCount, memory: memory)
    } catch {
      throw .kernel(context: "\(tensor.file): tensor '\(name)'", error)
    }
    do throws(SafetensorsError) {
      return WeightMatrix(
        try packing.pack(parallelism: parallelism) { offset, target throws(SafetensorsError) in
          try tensor.read(at: offset, into: target)
        })
    } catch {
      throw .safetensors(error)
    }
  }

  /// A vector of `count` elements, widened.
  ///
  /// - Throws: As ``matrix(_:outFeatures:inFeatures:)``.
  package mutating func vector(_ name: String, count: Int) throws(LlamaError) -> [Float] {
    let tensor = try take(name, shape: [count])
    _ = try Self.format(of: tensor)
    do throws(SafetensorsError) {
      return try tensor.float32Values()
    } catch {
      throw .safetensors(error)
    }
  }

  /// A tensor as it is.
  ///
  /// - Throws: ``LlamaError/safetensors(_:)`` if it is missing or has another shape.
  package mutating func tensor(
    _ name: String, shape: [Int]
  ) throws(LlamaError) -> SafetensorsTensor {
    try take(name, shape: shape)
  }

  /// A tensor as it is, or `nil` if it is not there.
  package mutating func tensorIfPresent(_ name: String) -> SafetensorsTensor? {
    guard let tensor = source.tensorIfPresent(named: name) else { return nil }
    taken.insert(Array(name.utf8))
    return tensor
  }

  /// Throws if the checkpoint holds a tensor that was not taken.
  ///
  /// - Parameter isHarmless: Whether a left-over tensor may be passed over.
  package func requireNothingElse(
    except isHarmless: (String) -> Bool = { _ in false }
  ) throws(LlamaError) {
    for tensor in source.tensors where !taken.contains(Array(tensor.name.utf8)) {
      if !isHarmless(tensor.name) {
        throw .unexpectedTensor(file: tensor.file, tensor: tensor.name)
      }
    }
  }

  /// The number format of a tensor's weights.
  ///
  /// - Throws: ``LlamaError/weightType(file:tensor:found:)`` unless it is F32, BF16 or F16.
  package static func format(of tensor: SafetensorsTensor) throws(LlamaError) -> WeightFormat {
    switch tensor.dtype {
    case .f32: return .float32
    case .bf16: return .bfloat16
    case .f16: return .float16
    default:
      throw .weightType(file: tensor.file, tensor: tensor.name, found: tensor.dtype.name)
    }
  }

  private mutating func take(
    _ name: String, shape: [Int]
  ) throws(LlamaError) -> SafetensorsTensor {
    try goOn()
    do throws(SafetensorsError) {
      let tensor = try source.tensor(named: name, shape: shape)
      taken.insert(Array(name.utf8))
      return tensor
    } catch {
      throw .safetensors(error)
    }
  }
}
