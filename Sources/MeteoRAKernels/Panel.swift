// Panel: how the outputs of a matrix are cut into groups that are computed together.

/// The number of outputs that lie side by side in a panel of weights.
enum PanelWidth: Int, Sendable {
  case wide = 32
  case medium = 16
  case narrow = 8

  /// The widest panel of which `remaining` outputs fill more than three quarters, or the narrowest:
  /// a little padding costs less than narrow vectors.
  static func forRemaining(_ remaining: Int) -> PanelWidth {
    if remaining > 24 { return .wide }
    return remaining > 12 ? .medium : .narrow
  }
}

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

    /// Whether this is a panel of 32 outputs that all exist.
    var isWholeAndWide: Bool { outputs == PanelWidth.wide.rawValue }

    /// Where a two-byte weight stands among those of one k: the low or the high half of a 32-bit
    /// lane, see `BlockChain.swift`.
    static func slot(_ output: Int, width: Int) -> Int {
      output < width / 2 ? 2 * output : 2 * output - width + 1
    }
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
      // At most eight times the matrix, which is there already: no overflow.
      byteOffset += width.rawValue * outputBytes
    }
    return panels
  }
}
