import MeteoRAMath

/// Weights `[outFeatures, inFeatures]` of a linear layer, kept at their stored width in the layout
/// that the products read.
///
/// The outputs are cut into panels of 32 (the last ones 16 or 8); inside a panel the weights of
/// all its outputs for one k lie side by side, so that a product reads memory once, in order. The
/// outputs that are missing in the last panel are zeros. The layout is private and may change.
public final class WeightMatrix: Sendable {
  /// Rows of the matrix: elements of an output.
  public let outFeatures: Int
  /// Columns of the matrix: elements of an input.
  public let inFeatures: Int
  /// How the elements are stored.
  public let format: WeightFormat

  /// Whether no element is infinite or NaN; known of binary16 alone, which is cheaper to widen then.
  let isFinite: Bool
  let panels: [Panel]
  private let memory: AlignedMemory

  /// Packs row-major weights.
  ///
  /// - Parameters:
  ///   - bytes: `[outFeatures, inFeatures]`, row-major, little-endian, at any alignment.
  ///   - format: The number format of `bytes`.
  ///   - parallelism: Threads for the packing; no influence on the result.
  /// - Throws: ``KernelError`` if a size is out of range or `bytes` is not as long as the shape asks.
  public init(
    rowMajor bytes: UnsafeRawBufferPointer, outFeatures: Int, inFeatures: Int,
    format: WeightFormat, parallelism: Parallelism = .serial
  ) throws(KernelError) {
    self.outFeatures = outFeatures
    self.inFeatures = inFeatures
    self.format = format
    isFinite = format == .float16 && Self.isFinite(float16: bytes)
    (panels, memory) = try Self.pack(
      bytes, outFeatures: outFeatures, inFeatures: inFeatures, format: format,
      parallelism: parallelism)
  }

  /// Packs binary32 weights.
  ///
  /// - Parameter values: `[outFeatures, inFeatures]`, row-major.
  /// - Throws: ``KernelError`` if a size is out of range or `values` is not as long as the shape
  ///   asks.
  public init(_ values: [Float], outFeatures: Int, inFeatures: Int) throws(KernelError) {
    self.outFeatures = outFeatures
    self.inFeatures = inFeatures
    format = .float32
    isFinite = false
    (panels, memory) = try values.withUnsafeBufferPointer { values throws(KernelError) in
      try Self.pack(
        UnsafeRawBufferPointer(values), outFeatures: outFeatures, inFeatures: inFeatures,
        format: .float32, parallelism: .serial)
    }
  }

  /// Bytes that the packed weights take.
  public var byteCount: Int { memory.byteCount }

  /// Outputs of all panels, padding included.
  var paddedOutputs: Int { panels.last.map { $0.firstOutput + $0.width.rawValue } ?? 0 }

  /// The weights of `panel` from `k` on.
  func block(_ panel: Panel, at k: Int) -> WeightBlock {
    let stride = panel.width.rawValue * format.byteWidth
    return WeightBlock(
      base: UnsafeRawPointer(memory.address) + panel.byteOffset + k * stride, stride: stride,
      format: format, width: panel.width, isFinite: isFinite)
  }

  /// The weights of the first panel.
  var firstBlock: WeightBlock {
    let width = panels.first?.width ?? .narrow
    return WeightBlock(
      base: UnsafeRawPointer(memory.address), stride: width.rawValue * format.byteWidth,
      format: format, width: width, isFinite: isFinite)
  }

  /// The first byte behind the weights.
  var endOfMemory: UnsafeRawPointer { UnsafeRawPointer(memory.address) + memory.byteCount }

  /// Row `index`, widened: `inFeatures` elements at `target`.
  package func copyRow(_ index: Int, to target: UnsafeMutablePointer<Float>) {
    let panel = panels[panelIndex(of: index)]
    let width = panel.width.rawValue
    let place = index - panel.firstOutput
    let base = memory.address + panel.byteOffset
    switch format {
    case .float32:
      let elements = base.assumingMemoryBound(to: Float.self) + place
      for k in 0..<inFeatures { target[k] = elements[k * width] }
    case .bfloat16, .float16:
      let elements = base.assumingMemoryBound(to: UInt16.self) + Panel.slot(place, width: width)
      for k in 0..<inFeatures {
        let bits = elements[k * width]
        target[k] =
          format == .float16 ? Widening.float(float16: bits) : Widening.float(bfloat16: bits)
      }
    }
  }

  /// The row-major elements, widened: `[outFeatures, inFeatures]` at `target`.
  package func copyRows(to target: UnsafeMutablePointer<Float>) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: PanelWidth.wide.rawValue) { outputs in
      guard let widened = outputs.baseAddress else { return }
      for panel in panels {
        for k in 0..<inFeatures {
          widenBlock(block(panel, at: k), count: 1, into: UnsafeMutableRawPointer(widened))
          for output in 0..<panel.outputs {
            target[(panel.firstOutput + output) * inFeatures + k] = widened[output]
          }
        }
      }
    }
  }
}

// MARK: Packing

extension WeightMatrix {
  /// Some outputs that are computed together.
  struct Panel: Sendable {
    /// Place among the panels.
    var index: Int
    var firstOutput: Int
    /// Outputs that exist; `width` − `outputs` are padding.
    var outputs: Int
    var width: PanelWidth
    var byteOffset: Int

    /// The outputs that exist.
    var range: Range<Int> { firstOutput..<firstOutput + outputs }

    /// Whether this is a panel of 32 outputs that all exist.
    var isWhole: Bool { outputs == PanelWidth.wide.rawValue }
  }

  /// The panels of a matrix with `outFeatures` outputs of `outputBytes` bytes each.
  static func panels(outFeatures: Int, outputBytes: Int = 0) -> [Panel] {
    var panels: [Panel] = []
    var (first, byteOffset) = (0, 0)
    while first < outFeatures {
      let width = PanelWidth.forRemaining(outFeatures - first)
      panels.append(
        Panel(
          index: panels.count, firstOutput: first,
          outputs: min(width.rawValue, outFeatures - first), width: width,
          byteOffset: byteOffset))
      first += width.rawValue
      // At most eight times the matrix, which is in memory already: no overflow.
      byteOffset += width.rawValue * outputBytes
    }
    return panels
  }

  /// The panel that holds an output: wide ones come first.
  private func panelIndex(of output: Int) -> Int {
    let wide = PanelWidth.wide.rawValue
    let wholePanels = outFeatures / wide
    if output / wide < wholePanels { return output / wide }
    return panels.lastIndex { $0.firstOutput <= output } ?? wholePanels
  }

  /// Outputs of a matrix without inputs: no byte backs them, but every panel is described by a few
  /// words.
  private static let maximumEmptyOutputs = 1 << 24

  private static func isFinite(float16 bytes: UnsafeRawBufferPointer) -> Bool {
    var largest: UInt16 = 0
    for offset in stride(from: 0, to: bytes.count - 1, by: 2) {
      largest = max(largest, bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self) & 0x7fff)
    }
    return largest < 0x7c00
  }

  private static func pack(
    _ bytes: UnsafeRawBufferPointer, outFeatures: Int, inFeatures: Int, format: WeightFormat,
    parallelism: Parallelism
  ) throws(KernelError) -> ([Panel], AlignedMemory) {
    try requireElements(
      bytes.count, shape: [outFeatures, inFeatures, format.byteWidth], of: "weight matrix bytes")
    guard inFeatures > 0 || outFeatures <= Self.maximumEmptyOutputs else {
      throw .outOfRange(
        argument: "outFeatures", actual: "\(outFeatures)",
        allowed: "at most \(Self.maximumEmptyOutputs) without inputs")
    }
    let outputBytes = inFeatures * format.byteWidth
    let panels = panels(outFeatures: outFeatures, outputBytes: outputBytes)
    let size = panels.reduce(0) { $0 + $1.width.rawValue * outputBytes }
    let memory = AlignedMemory(byteCount: size, for: .kept)
    guard let source = bytes.baseAddress else { return (panels, memory) }
    parallelism.forEachRange(of: panels.count) { range in
      for panel in panels[range] {
        let rows = source + panel.firstOutput * inFeatures * format.byteWidth
        let target = memory.address + panel.byteOffset
        if format == .float32 {
          panel.pack(UInt32.self, rows: rows, count: inFeatures, into: target) { $0 }
        } else {
          panel.pack(UInt16.self, rows: rows, count: inFeatures, into: target) { output in
            Panel.slot(output, width: panel.width.rawValue)
          }
        }
      }
    }
    return (panels, memory)
  }
}

extension WeightMatrix.Panel {
  /// Where a two-byte weight stands among those of one k: the low or the high half of a 32-bit
  /// lane, see `BlockChain.swift`.
  static func slot(_ output: Int, width: Int) -> Int {
    output < width / 2 ? 2 * output : 2 * output - width + 1
  }

  /// Transposes the rows of this panel into `target`; `slot` is the place of an output among the
  /// `width` elements of one k.
  @inline(__always)
  fileprivate func pack<Element: FixedWidthInteger>(
    _ element: Element.Type, rows: UnsafeRawPointer, count: Int,
    into target: UnsafeMutableRawPointer, slot: (Int) -> Int
  ) {
    // Sixteen k at a time: the lines of the target stay in the first-level cache meanwhile.
    let target = target.assumingMemoryBound(to: Element.self)
    var first = 0
    while first < count {
      let last = min(first + 16, count)
      for output in 0..<width.rawValue {
        let place = target + slot(output)
        if output < outputs {
          let row = rows + output * count * MemoryLayout<Element>.size
          for k in first..<last {
            place[k * width.rawValue] = row.loadUnaligned(
              fromByteOffset: k * MemoryLayout<Element>.size, as: Element.self)
          }
        } else {
          for k in first..<last { place[k * width.rawValue] = 0 }
        }
      }
      first = last
    }
  }
}

extension PanelWidth {
  /// The widest panel of which `remaining` outputs fill more than three quarters, or the narrowest:
  /// a little padding costs less than narrow vectors.
  static func forRemaining(_ remaining: Int) -> PanelWidth {
    if remaining > 24 { return .wide }
    return remaining > 12 ? .medium : .narrow
  }
}
