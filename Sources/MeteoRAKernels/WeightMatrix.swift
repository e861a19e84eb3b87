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

  /// Whether no weight is infinite or NaN: found out in passing while they were packed.
  package let isFinite: Bool

  let panels: [Panel]
  private let memory: WeightMemory.Part

  package init(_ packed: PackedWeights) {
    outFeatures = packed.outFeatures
    inFeatures = packed.inFeatures
    format = packed.format
    isFinite = packed.isFinite
    panels = packed.panels
    memory = packed.memory
  }

  /// Packs row-major weights.
  ///
  /// - Parameters:
  ///   - bytes: `[outFeatures, inFeatures]`, row-major, little-endian, at any alignment.
  ///   - format: The number format of `bytes`.
  ///   - parallelism: Threads for the packing; no influence on the result.
  /// - Throws: ``KernelError`` if a size is out of range or `bytes` is not as long as the shape
  ///   asks.
  public convenience init(
    rowMajor bytes: UnsafeRawBufferPointer, outFeatures: Int, inFeatures: Int,
    format: WeightFormat, parallelism: Parallelism = .serial
  ) throws(KernelError) {
    let packing = try WeightPacking(
      outFeatures: outFeatures, inFeatures: inFeatures, format: format, byteCount: bytes.count)
    self.init(packing.pack(bytes, parallelism: parallelism))
  }

  /// Packs binary32 weights.
  ///
  /// - Parameter values: `[outFeatures, inFeatures]`, row-major.
  /// - Throws: ``KernelError`` if a size is out of range or `values` is not as long as the shape
  ///   asks.
  public convenience init(
    _ values: [Float], outFeatures: Int, inFeatures: Int
  ) throws(KernelError) {
    let byteCount = values.count * MemoryLayout<Float>.size
    let packing = try WeightPacking(
      outFeatures: outFeatures, inFeatures: inFeatures, format: .float32, byteCount: byteCount)
    self.init(values.withUnsafeBytes { packing.pack($0, parallelism: .serial) })
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

  /// The weights of the first panel; `nil` without outputs.
  var firstBlock: WeightBlock? { panels.first.map { block($0, at: 0) } }

  /// The first byte behind the weights.
  var endOfMemory: UnsafeRawPointer { UnsafeRawPointer(memory.address) + memory.byteCount }

  /// Row `index`, widened: `inFeatures` elements at `target`.
  ///
  /// - Precondition: `index` is in `0 ..< outFeatures`.
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

  /// The panel that holds an output: wide ones come first.
  private func panelIndex(of output: Int) -> Int {
    let wide = PanelWidth.wide.rawValue
    let wholePanels = outFeatures / wide
    if output / wide < wholePanels { return output / wide }
    return panels.lastIndex { $0.firstOutput <= output } ?? wholePanels
  }
}
