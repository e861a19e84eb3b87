// Packing: row-major weights, in memory or in a file, to panels.

/// What a ``WeightMatrix`` holds.
package struct PackedWeights: Sendable {
  let outFeatures: Int
  let inFeatures: Int
  let format: WeightFormat
  let isFinite: Bool
  let panels: [WeightMatrix.Panel]
  let memory: WeightMemory.Part
}

/// A weight matrix whose size was checked and whose memory is there, before its weights are.
package struct WeightPacking {
  private let outFeatures: Int
  private let inFeatures: Int
  private let format: WeightFormat
  private let panels: [WeightMatrix.Panel]
  private let memory: WeightMemory.Part

  /// Bytes that a thread reads of a file at once: they are packed while they are in the caches.
  static let pieceBytes = 1 << 20

  /// - Parameters:
  ///   - byteCount: Bytes that there are of the weights, `[outFeatures, inFeatures]` in `format`.
  ///   - memory: Where the matrix is put; in memory of its own if `nil`.
  /// - Throws: ``KernelError`` if a size is out of range, or `byteCount` is not what the shape
  ///   asks.
  package init(
    outFeatures: Int, inFeatures: Int, format: WeightFormat, byteCount: Int,
    memory: WeightMemory? = nil
  ) throws(KernelError) {
    try requireElements(
      byteCount, shape: [outFeatures, inFeatures, format.byteWidth], of: "weight matrix bytes")
    guard inFeatures > 0 || outFeatures <= Self.maximumEmptyOutputs else {
      throw .outOfRange(
        argument: "outFeatures", actual: "\(outFeatures)",
        allowed: "at most \(Self.maximumEmptyOutputs) without inputs")
    }
    self.outFeatures = outFeatures
    self.inFeatures = inFeatures
    self.format = format
    let outputBytes = inFeatures * format.byteWidth
    panels = WeightMatrix.panels(outFeatures: outFeatures, outputBytes: outputBytes)
    let size = panels.reduce(0) { $0 + $1.width.rawValue * outputBytes }
    self.memory = memory?.take(byteCount: size) ?? WeightMemory.Part(byteCount: size)
  }

  /// Outputs of a matrix without inputs: no byte backs them, but every panel is described by a few
  /// words.
  private static let maximumEmptyOutputs = 1 << 24

  private var rowBytes: Int { inFeatures * format.byteWidth }

  /// Packs weights that are in memory.
  ///
  /// - Parameters:
  ///   - rows: The first row, and all others, at any alignment.
  ///   - stride: Bytes from a row to the next; `nil` if they stand one behind the other.
  /// - Precondition: All rows are there.
  package func pack(
    _ rows: UnsafeRawBufferPointer, stride: Int? = nil, parallelism: Parallelism
  ) -> PackedWeights {
    let stride = stride ?? rowBytes
    precondition(outFeatures == 0 || rows.count >= (outFeatures - 1) * stride + rowBytes)
    return pack(parallelism: parallelism) { panels in
      guard let start = rows.baseAddress else { return true }
      return pack(panels, of: start, stride: stride, firstOutput: 0)
    }
  }

  /// Packs weights that are read a piece at a time: they are never in memory twice.
  ///
  /// - Parameters:
  ///   - parallelism: Threads that read and pack; no influence on the result.
  ///   - read: Fills a buffer with the row-major bytes from an offset on; called by all threads.
  /// - Throws: What `read` throws, of several the first in the order of the rows.
  package func pack<Failure: Error>(
    parallelism: Parallelism, reading read: PieceReader<Failure>
  ) throws(Failure) -> PackedWeights {
    try pack(parallelism: parallelism) { panels throws(Failure) in
      try pack(panels, reading: read)
    }
  }

  package typealias PieceReader<Failure: Error> =
    (_ offset: Int, _ target: UnsafeMutableRawBufferPointer) throws(Failure) -> Void

  /// Calls `body` with the panels of each thread; it returns whether all weights are finite.
  private func pack<Failure: Error>(
    parallelism: Parallelism, _ body: (ArraySlice<WeightMatrix.Panel>) throws(Failure) -> Bool
  ) throws(Failure) -> PackedWeights {
    let pieces = min(parallelism.threads, panels.count)
    var outcomes = [Result<Bool, Failure>](repeating: .success(true), count: pieces)
    outcomes.withUnsafeMutableBufferPointer { outcomes in
      parallelism.forEachRange(of: pieces) { range in
        for piece in range {
          let first = panels.count * piece / pieces
          let part = panels[first..<panels.count * (piece + 1) / pieces]
          do throws(Failure) {
            outcomes[piece] = .success(try body(part))
          } catch {
            outcomes[piece] = .failure(error)
          }
        }
      }
    }
    var isFinite = true
    for outcome in outcomes { isFinite = try outcome.get() && isFinite }
    return PackedWeights(
      outFeatures: outFeatures, inFeatures: inFeatures, format: format, isFinite: isFinite,
      panels: panels, memory: memory)
  }

  /// Packs panels of rows that stand at `start`, from `firstOutput` on.
  private func pack(
    _ panels: ArraySlice<WeightMatrix.Panel>, of start: UnsafeRawPointer, stride: Int,
    firstOutput: Int
  ) -> Bool {
    var isFinite = true
    for panel in panels {
      let rows = PanelRows(
        start: start + (panel.firstOutput - firstOutput) * stride, stride: stride,
        count: inFeatures)
      if !panel.pack(rows, format: format, into: memory.address + panel.byteOffset) {
        isFinite = false
      }
    }
    return isFinite
  }

  private func pack<Failure: Error>(
    _ panels: ArraySlice<WeightMatrix.Panel>, reading read: PieceReader<Failure>
  ) throws(Failure) -> Bool {
    let bytes = panels.reduce(0) { $0 + $1.outputs } * rowBytes
    let buffer = AlignedMemory(byteCount: min(bytes, Self.pieceBytes))
    var isFinite = true
    var rest = panels
    while let first = rest.first {
      if first.outputs * rowBytes > Self.pieceBytes {
        isFinite = try pack(first, reading: read, through: buffer) && isFinite
        rest = rest.dropFirst()
        continue
      }
      // As many panels as the buffer holds.
      let group = rest.prefix { panel in
        (panel.firstOutput + panel.outputs - first.firstOutput) * rowBytes <= Self.pieceBytes
      }
      let outputs = group.reduce(0) { $0 + $1.outputs }
      let piece = UnsafeMutableRawBufferPointer(start: buffer.address, count: outputs * rowBytes)
      try read(first.firstOutput * rowBytes, piece)
      let isGroupFinite = pack(
        group, of: buffer.address, stride: rowBytes, firstOutput: first.firstOutput)
      isFinite = isFinite && isGroupFinite
      rest = rest[group.endIndex...]
    }
    return isFinite
  }

  /// Packs a panel whose rows do not fit into the buffer: a part of each row at a time.
  private func pack<Failure: Error>(
    _ panel: WeightMatrix.Panel, reading read: PieceReader<Failure>, through buffer: AlignedMemory
  ) throws(Failure) -> Bool {
    let width = format.byteWidth
    // A multiple of 32, so that only the last part has a rest that is no whole vector.
    let longest = Self.pieceBytes / (panel.outputs * width) & ~31
    var isFinite = true
    for first in stride(from: 0, to: inFeatures, by: longest) {
      let count = min(longest, inFeatures - first)
      for output in 0..<panel.outputs {
        let part = UnsafeMutableRawBufferPointer(
          start: buffer.address + output * count * width, count: count * width)
        try read((panel.firstOutput + output) * rowBytes + first * width, part)
      }
      let rows = PanelRows(
        start: UnsafeRawPointer(buffer.address), stride: count * width, count: count)
      let target = memory.address + panel.byteOffset + first * panel.width.rawValue * width
      isFinite = panel.pack(rows, format: format, into: target) && isFinite
    }
    return isFinite
  }
}
