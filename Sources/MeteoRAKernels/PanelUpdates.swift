// PanelUpdates: finished updates of some panels, on their way to the outputs.
//
//   memory    [panel 0: token 0 … token n − 1, spare]  [panel 1: …]     a panel's tokens together
//   y         [token 0: … panel 0, panel 1, …]  [token 1: …]            a token's outputs together
//
// The spare row takes what fills up a quad of terms (RoutedTerms.swift); it is never added.

/// The updates of some panels, `[panels, tokens + 1, width]`.
struct PanelUpdates {
  let memory: AlignedMemory
  /// The place of the first panel in its matrix.
  let first: Int
  let stride: Int

  /// `[tokens, width]` of a panel; valid as long as this is.
  func updates(of panel: WeightMatrix.Panel) -> UnsafePointer<Float> {
    UnsafePointer(memory.floats + (panel.index - first) * stride)
  }

  /// Adds the updates of some rows to their outputs.
  ///
  /// - Parameters:
  ///   - y: Row t's outputs of the matrix stand at `y + t * yStride`.
  ///   - delta: As `y`; gets the updates alone.
  func add(
    _ panels: ArraySlice<WeightMatrix.Panel>, rows: Int, to y: UnsafeMutablePointer<Float>,
    delta: UnsafeMutablePointer<Float>? = nil, yStride: Int
  ) {
    panels.withUnsafeBufferPointer { panels in
      // A row of outputs is read on and on, since the next one lies in another page of memory.
      for row in 0..<rows {
        for panel in panels {
          let update = updates(of: panel) + row * panel.width.rawValue
          let place = row * yStride + panel.firstOutput
          if let delta { copyElements(update, to: delta + place, count: panel.outputs) }
          addElements(update, to: y + place, count: panel.outputs)
        }
      }
    }
  }
}
