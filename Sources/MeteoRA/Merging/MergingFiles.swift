import Foundation
import MeteoRAKernels
import MeteoRALlama
import MeteoRAMath
import MeteoRASafetensors

/// A merged model on its way into a temporary folder.
struct MergingFiles {
  let base: BaseFolder
  let target: NewFolder
  /// Where the folder will be, for messages.
  let place: URL
  let elementType: MergedModelWriter.ElementType
  let shouldStop: () -> Bool
  /// By the names of the matrices that they change.
  let updates: [[UInt8]: LoRAAdapter]
  /// Whether a matrix is written in binary32 that is stored narrower.
  private var isWidened = false
  /// Bytes of all tensors that are written.
  private var byteCount = 0

  init(
    base: BaseFolder, adapter: PEFTAdapter, target: NewFolder, place: URL,
    elementType: MergedModelWriter.ElementType, shouldStop: @escaping () -> Bool
  ) {
    self.base = base
    self.target = target
    self.place = place
    self.elementType = elementType
    self.shouldStop = shouldStop
    var updates: [[UInt8]: LoRAAdapter] = [:]
    for (layer, module, update) in adapter.changes {
      updates[Array("\(module.path(layer: layer)).weight".utf8)] = update
    }
    self.updates = updates
  }

  mutating func write() throws(MeteoRAError) {
    for name in base.companions { try copy(name) }
    let weights = try base.weightFiles()
    for (name, file) in weights.files { try write(file, as: name) }
    try writeConfiguration()
    if weights.areShards { try writeIndex() }
  }

  private func copy(_ name: String) throws(MeteoRAError) {
    let isComplete: Bool
    do throws(FileAccessError) {
      isComplete = try FileCopy.copy(
        base.folder.appendingPathComponent(name),
        to: target.temporary.appendingPathComponent(name), shouldStop: shouldStop)
    } catch {
      throw .file(error)
    }
    if !isComplete { throw .cancelled(path: place.path) }
  }

  // MARK: Weights

  private mutating func write(_ file: SafetensorsFile, as name: String) throws(MeteoRAError) {
    var declarations: [SafetensorsWriter.Declaration] = []
    for tensor in file.tensors {
      let isMerged = updates[Array(tensor.name.utf8)] != nil
      let dtype = isMerged && elementType == .float32 ? .f32 : tensor.dtype
      if dtype != tensor.dtype { isWidened = true }
      byteCount += tensor.elementCount * dtype.byteCount
      declarations.append(.init(tensor.name, dtype, tensor.shape))
    }
    try target.makeFolders(above: name)
    let url = target.temporary.appendingPathComponent(name)
    let writer = try safetensors { () throws(SafetensorsError) in
      try SafetensorsWriter(to: url, tensors: declarations, metadata: file.metadata)
    }
    for tensor in file.tensors {
      if shouldStop() { throw .cancelled(path: place.path) }
      if let update = updates[Array(tensor.name.utf8)] {
        try write(tensor, with: update, to: writer)
      } else {
        try safetensors { () throws(SafetensorsError) in
          try tensor.withUnsafeBytes { bytes throws(SafetensorsError) in
            try writer.append(bytes: bytes, to: tensor.name)
          }
        }
      }
    }
    try safetensors { () throws(SafetensorsError) in try writer.finish() }
  }

  /// Writes the matrix `[outFeatures, inFeatures]` of a module, some rows at a time.
  private func write(
    _ tensor: SafetensorsTensor, with update: LoRAAdapter, to writer: SafetensorsWriter
  ) throws(MeteoRAError) {
    let context = "\(tensor.file): tensor '\(printable(tensor.name))'"
    let merge = try kernel(context) { () throws(KernelError) in try LoRAMerge(update) }
    let width = merge.inFeatures
    for first in stride(from: 0, to: merge.outFeatures, by: merge.rowsAtATime) {
      if shouldStop() { throw .cancelled(path: place.path) }
      let rows = first..<min(first + merge.rowsAtATime, merge.outFeatures)
      let elements = rows.lowerBound * width..<rows.upperBound * width
      let stored = try safetensors { () throws(SafetensorsError) in
        try tensor.float32Values(in: elements)
      }
      var values = stored
      try kernel(context) { () throws(KernelError) in
        try merge.add(toRows: rows, of: &values, parallelism: .allCores)
      }
      try append(values, replacing: stored, at: elements.lowerBound, of: tensor, to: writer)
    }
  }

  /// Appends merged values in the type that they are to have.
  private func append(
    _ values: [Float], replacing stored: [Float], at first: Int, of tensor: SafetensorsTensor,
    to writer: SafetensorsWriter
  ) throws(MeteoRAError) {
    let dtype = elementType == .float32 ? .f32 : tensor.dtype
    let rounded: [Float]
    let bits: [UInt16]
    switch dtype {
    case .bf16:
      bits = values.map { Narrowing.bfloat16($0).littleEndian }
      rounded = bits.map { Widening.float(bfloat16: UInt16(littleEndian: $0)) }
    case .f16:
      bits = values.map { Narrowing.float16($0).littleEndian }
      rounded = bits.map { Widening.float(float16: UInt16(littleEndian: $0)) }
    default:
      bits = []
      rounded = values
    }
    let isLost = { (index: Int) in stored[index].isFinite && !rounded[index].isFinite }
    if let element = values.indices.first(where: isLost) {
      throw .mergeOverflow(
        file: tensor.file, tensor: tensor.name, element: first + element, value: values[element],
        type: dtype.name)
    }
    try safetensors { () throws(SafetensorsError) in
      if bits.isEmpty {
        try writer.append(values, to: tensor.name)
      } else {
        try bits.withUnsafeBufferPointer { bits throws(SafetensorsError) in
          try writer.append(bytes: UnsafeRawBufferPointer(bits), to: tensor.name)
        }
      }
    }
  }

  // MARK: Configuration and index

  /// The base's `config.json`; where matrices became wider, it says so in the field that loaders
  /// take the model's type from.
  private func writeConfiguration() throws(MeteoRAError) {
    guard isWidened else {
      try copy(BaseFolder.configuration)
      return
    }
    try edit(BaseFolder.configuration) { url throws(JSONError) in
      try BaseFolder.configuration(url, elementType: "float32")
    }
  }

  /// The base's index; where matrices became wider, with the new sum of bytes.
  private func writeIndex() throws(MeteoRAError) {
    guard isWidened else {
      try copy(BaseFolder.index)
      return
    }
    let byteCount = byteCount
    try edit(BaseFolder.index) { url throws(JSONError) in
      try JSONDocument.edited(url) { root in
        let size = root["metadata"]?["total_size"]
        guard let size, size.integer != byteCount else { return nil }
        return size.documentReplacing(by: .integer(byteCount))
      }
    }
  }

  /// Writes a JSON file of the base with some values changed.
  ///
  /// - Parameter change: Returns the bytes of the changed file, or `nil` if nothing is to change.
  private func edit(
    _ name: String, _ change: (URL) throws(JSONError) -> [UInt8]?
  ) throws(MeteoRAError) {
    let bytes: [UInt8]?
    do throws(JSONError) {
      bytes = try change(base.folder.appendingPathComponent(name))
    } catch {
      throw .json(error)
    }
    guard let bytes else {
      try copy(name)
      return
    }
    do throws(FileAccessError) {
      try ReplacementFile.write(bytes, to: target.temporary.appendingPathComponent(name))
    } catch {
      throw .file(error)
    }
  }
}

/// Runs code that reads or writes tensors.
private func safetensors<Value>(
  _ body: () throws(SafetensorsError) -> Value
) throws(MeteoRAError) -> Value {
  do throws(SafetensorsError) {
    return try body()
  } catch {
    throw .safetensors(error)
  }
}

/// Runs code of the kernels.
private func kernel<Value>(
  _ context: String, _ body: () throws(KernelError) -> Value
) throws(MeteoRAError) -> Value {
  do throws(KernelError) {
    return try body()
  } catch {
    throw .kernel(context: context, error)
  }
}
