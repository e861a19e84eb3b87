import Foundation
import MeteoRA
import MeteoRAMath
import MeteoRASafetensors

/// A safetensors file of trained weights on its way, as PyTorch's libraries write it.
struct TrainedTensorFile {
  /// A matrix or vector to be written, made when its turn comes.
  struct Part {
    var name: String
    var shape: [Int]
    /// Row-major.
    var values: () -> [Float]
  }

  private let file: URL
  private let writer: SafetensorsWriter
  private let elementType: TrainedElementType

  /// - Parameter copied: Tensors that are written as they are stored, by the names that they get.
  /// - Throws: ``MeteoRAError/safetensors(_:)`` if the file cannot be made.
  init(
    _ file: URL, parts: [Part], copied: [(name: String, tensor: SafetensorsTensor)] = [],
    elementType: TrainedElementType
  ) throws(MeteoRAError) {
    self.file = file
    self.elementType = elementType
    let tensors =
      parts.map { SafetensorsWriter.Declaration($0.name, elementType.dtype, $0.shape) }
      + copied.map { SafetensorsWriter.Declaration($0.name, $0.tensor.dtype, $0.tensor.shape) }
    do throws(SafetensorsError) {
      writer = try SafetensorsWriter(to: file, tensors: tensors, metadata: ["format": "pt"])
    } catch {
      throw .safetensors(error)
    }
    for part in parts { try append(part) }
    for (name, tensor) in copied { try append(tensor, as: name) }
  }

  /// Gives the complete file its name.
  ///
  /// - Parameter isDurable: Whether to wait until the disk holds the file.
  func finish(isDurable: Bool) throws(MeteoRAError) {
    do throws(SafetensorsError) {
      try writer.finish(isDurable: isDurable)
    } catch {
      throw .safetensors(error)
    }
  }

  private func append(_ part: Part) throws(MeteoRAError) {
    let values = part.values()
    var bits: [UInt16] = []
    var lost: Int?
    switch elementType {
    case .float32:
      lost = values.firstIndex { !$0.isFinite }
    case .bfloat16:
      bits = values.map { Narrowing.bfloat16($0) }
      lost = bits.firstIndex { !Widening.float(bfloat16: $0).isFinite }
    }
    if let element = lost {
      throw .trainedOverflow(
        file: file.path, tensor: part.name, element: element, value: values[element],
        type: elementType.dtype.name)
    }
    do throws(SafetensorsError) {
      switch elementType {
      case .float32:
        try writer.append(values, to: part.name)
      case .bfloat16:
        try bits.map(\.littleEndian).withUnsafeBufferPointer { bits throws(SafetensorsError) in
          try writer.append(bytes: UnsafeRawBufferPointer(bits), to: part.name)
        }
      }
    } catch {
      throw .safetensors(error)
    }
  }

  private func append(
    _ tensor: SafetensorsTensor, as name: String
  ) throws(MeteoRAError) {
    do throws(SafetensorsError) {
      try tensor.withUnsafeBytes { bytes throws(SafetensorsError) in
        try writer.append(bytes: bytes, to: name)
      }
    } catch {
      throw .safetensors(error)
    }
  }
}
