// LinearProduct: the linear layers that share an input, in one parallel region for each of its
// tiles.
//
//   panels of all layers      q q q q q q q q k k v v
//   threads                   │ first   │ second    │         as many panels each, one more or less
//   parts                     │ q q q│q │ q q q q│k k│v v│    of one layer, and no more than their
//                                                             updates can be held for
//   for each part:    d = updates of its panels               see RoutedTerms+Projection.swift
//     for each panel: totals = x · Wᵀ                         see PanelProduct.swift
//                     y = (totals + bias) + d
//
// An output is a chain of its own, so that no bit depends on how panels are dealt out.

/// One weight matrix of a group that shares an input, and where its output goes.
package struct LinearTerm {
  package var weights: WeightMatrix
  /// `[outFeatures]`, added to the finished product once.
  package var bias: [Float]?
  /// Added once, after the bias; made by ``ProductInput/updates(_:)`` of the input that the weights
  /// are multiplied with.
  package var update: RoutedUpdate?
  /// `[rows, outFeatures]`, overwritten.
  package var output: UnsafeMutablePointer<Float>

  package init(
    _ weights: WeightMatrix, bias: [Float]? = nil, update: RoutedUpdate? = nil,
    to output: UnsafeMutablePointer<Float>
  ) {
    self.weights = weights
    self.bias = bias
    self.update = update
    self.output = output
  }
}

/// Computes several linear layers of one input, `y = x · Wᵀ (+ bias) (+ update)`.
///
/// - Parameters:
///   - terms: Matrices whose `inFeatures` is the width of `x`.
///   - x: `[rows, inFeatures]`, row-major.
package func multiply(
  _ terms: [LinearTerm], by x: UnsafePointer<Float>, rows: Int, parallelism: Parallelism
) {
  let input = ProductInput(x, rows: rows, for: terms.map(\.weights), parallelism: parallelism)
  multiply(terms, by: input, parallelism: parallelism)
}

/// As ``multiply(_:by:rows:parallelism:)``, in one parallel region for each tile of rows: panels of
/// all terms are dealt out together.
package func multiply(_ terms: [LinearTerm], by input: ProductInput, parallelism: Parallelism) {
  for (index, tile) in input.tiles.enumerated() {
    multiply(terms, by: tile, at: index, of: input, parallelism: parallelism)
  }
  if input.tiles.isEmpty, input.rows > 0 {
    multiplyRows(terms, by: input, parallelism: parallelism)
  }
}

private func multiplyRows(
  _ terms: [LinearTerm], by input: ProductInput, parallelism: Parallelism
) {
  let pointers = (0..<input.rows).map { input.x + $0 * input.width }
  pointers.withUnsafeBufferPointer { rows in
    guard let rowPointers = rows.baseAddress else { return }
    forEachPart(of: terms, tile: 0, parallelism: parallelism) { term, panels, updates in
      guard let first = panels.first else { return }
      let stride = term.weights.outFeatures
      term.weights.multiply(
        panels, rows: rowPointers, count: rows.count, to: term.output + first.firstOutput,
        yStride: stride)
      if let bias = term.bias {
        for panel in panels {
          add(
            bias, of: panel, to: term.output + panel.firstOutput, rows: rows.count, stride: stride)
        }
      }
      updates?.add(panels, rows: rows.count, to: term.output, yStride: stride)
    }
  }
}

private func multiply(
  _ terms: [LinearTerm], by tile: InterleavedInput, at index: Int, of input: ProductInput,
  parallelism: Parallelism
) {
  forEachPart(of: terms, tile: index, parallelism: parallelism) { term, panels, updates in
    let memory = AlignedMemory(
      byteCount: tile.paddedRows * PanelWidth.wide.rawValue * MemoryLayout<Float>.size)
    let totals = memory.floats
    let stride = term.weights.outFeatures
    for panel in panels {
      term.weights.multiply(panel, tile, to: totals)
      let width = panel.width.rawValue
      if let bias = term.bias { add(bias, of: panel, to: totals, rows: tile.rows, stride: width) }
      if let updates {
        addElements(updates.updates(of: panel), to: totals, count: tile.rows * width)
      }
      let y = term.output + index * input.rowsOfTile * stride + panel.firstOutput
      for row in 0..<tile.rows {
        copyElements(totals + row * width, to: y + row * stride, count: panel.outputs)
      }
    }
    withExtendedLifetime((memory, updates)) {}
  }
}

private func add(
  _ bias: [Float], of panel: WeightMatrix.Panel, to y: UnsafeMutablePointer<Float>, rows: Int,
  stride: Int
) {
  bias.withUnsafeBufferPointer { bias in
    guard let start = bias.baseAddress else { return }
    for row in 0..<rows {
      addElements(start + panel.firstOutput, to: y + row * stride, count: panel.outputs)
    }
  }
}

/// Calls `body` with the panels of each term, split over the threads, as many together as their
/// updates can be computed for, with these.
private func forEachPart(
  of terms: [LinearTerm], tile: Int, parallelism: Parallelism,
  _ body: (LinearTerm, ArraySlice<WeightMatrix.Panel>, PanelUpdates?) -> Void
) {
  let panelCount = terms.reduce(0) { $0 + $1.weights.panels.count }
  parallelism.forEachRange(of: panelCount) { range in
    var firstPanel = 0
    for term in terms {
      let panels = term.weights.panels
      let local = range.clamped(to: firstPanel..<firstPanel + panels.count)
      var rest = panels[local.lowerBound - firstPanel..<local.upperBound - firstPanel]
      firstPanel += panels.count
      if let update = term.update?.tiles[tile] {
        while !rest.isEmpty {
          let part = rest.prefix(update.panelsAtATime)
          rest = rest.dropFirst(part.count)
          body(term, part, update.projectUp(part))
        }
      } else if !rest.isEmpty {
        body(term, rest, nil)
      }
    }
  }
}
