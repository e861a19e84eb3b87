import MeteoRAMath

// InputGradient: what reaches the input that linear layers share.
//
//   for each tile of rows, for each strip of 32 inputs:         threads split the strips
//     for each layer:
//       totals = dy · W                                 W transposed, see TransposedWeights.swift
//       totals = totals + Σ_{i∈I} c_i · (u_i · A_i)     the update of the transposed adapters
//       totals = totals + dg · W_gate
//     dx = totals of the first layer + those of the second + …

/// One linear layer of several with the same input.
package struct InputGradientTerm {
  let weights: WeightMatrix
  let outputGradient: UnsafePointer<Float>
  let update: RoutedUpdate?
  let gate: Gate?

  /// A gate that reads the same input.
  package struct Gate {
    let weights: WeightMatrix
    let gradient: UnsafePointer<Float>

    /// - Parameters:
    ///   - weights: `[adapters, inFeatures]`.
    ///   - gradient: Of its logits, `[rows, adapters]`.
    package init(_ weights: WeightMatrix, _ gradient: UnsafePointer<Float>) {
      self.weights = weights
      self.gradient = gradient
    }
  }

  /// - Parameters:
  ///   - outputGradient: `[rows, outFeatures]`.
  ///   - update: Of the transposed adapters, with `dy` for x;
  ///     ``RoutedUpdate/projectDown(_:x:parallelism:)`` was called.
  package init(
    _ weights: WeightMatrix, _ outputGradient: UnsafePointer<Float>, update: RoutedUpdate? = nil,
    gate: Gate? = nil
  ) {
    self.weights = weights
    self.outputGradient = outputGradient
    self.update = update
    self.gate = gate
  }
}

/// Computes what reaches the input of linear layers: for each `(dy · W + update) + dg · W_gate`, added
/// up in order.
///
/// - Parameters:
///   - terms: Layers of the same `inFeatures`, at least one.
///   - tile: Rows that are computed together: those of the updates' tiles, if there are any.
///   - dx: `[rows, inFeatures]`, overwritten.
package func inputGradient(
  _ terms: [InputGradientTerm], rows: Int, tile: Int, to dx: UnsafeMutablePointer<Float>,
  parallelism: Parallelism
) {
  guard let width = terms.first?.weights.inFeatures else { return }
  for (index, first) in stride(from: 0, to: rows, by: tile).enumerated() {
    let count = min(tile, rows - first)
    let layers = terms.map { term in
      TileOfLayer(term, firstRow: first, rows: count, tile: index, parallelism: parallelism)
    }
    sum(layers, rows: count, width: width, to: dx + first * width, parallelism)
  }
}

private func sum(
  _ layers: [TileOfLayer], rows: Int, width: Int, to dx: UnsafeMutablePointer<Float>,
  _ parallelism: Parallelism
) {
  let strips = WeightMatrix.panels(outFeatures: width)
  let paddedRows = layers.lazy.map(\.rows.paddedRows).max() ?? 0
  let panelsAtATime = layers.lazy.compactMap { $0.update?.panelsAtATime }.min() ?? strips.count
  parallelism.forEachRange(of: strips.count) { range in
    let memory = StripMemory(paddedRows: paddedRows)
    let gateMemory = StripMemory(paddedRows: paddedRows)
    let sums = AlignedMemory(
      byteCount: rows * PanelWidth.wide.rawValue * MemoryLayout<Float>.size)
    for first in stride(from: range.lowerBound, to: range.upperBound, by: panelsAtATime) {
      let part = strips[first..<min(first + panelsAtATime, range.upperBound)]
      let updates = layers.map { $0.update?.projectUp(part) }
      for strip in part {
        let count = rows * strip.width.rawValue
        for (index, layer) in layers.enumerated() {
          layer.multiply(strip, in: memory)
          if let updates = updates[index] {
            addElements(updates.updates(of: strip), to: memory.totals, count: count)
          }
          if layer.multiplyGate(strip, in: gateMemory) {
            addElements(gateMemory.totals, to: memory.totals, count: count)
          }
          if index == 0 {
            sums.floats.update(from: memory.totals, count: count)
          } else {
            addElements(memory.totals, to: sums.floats, count: count)
          }
        }
        for row in 0..<rows {
          copyElements(
            sums.floats + row * strip.width.rawValue, to: dx + row * width + strip.firstOutput,
            count: strip.outputs)
        }
      }
    }
    withExtendedLifetime(sums) {}
  }
}

/// What one layer brings to a tile of rows.
private struct TileOfLayer {
  let weights: WeightMatrix
  /// The gradient of the outputs.
  let rows: InterleavedInput
  let update: RoutedTerms?
  private let gate: (weights: WeightMatrix, rows: InterleavedInput)?

  init(
    _ term: InputGradientTerm, firstRow: Int, rows: Int, tile: Int, parallelism: Parallelism
  ) {
    func interleave(_ values: UnsafePointer<Float>, width: Int) -> InterleavedInput {
      InterleavedInput(
        values + firstRow * width, rows: rows, width: width, parallelism: parallelism)
    }
    weights = term.weights
    self.rows = interleave(term.outputGradient, width: term.weights.outFeatures)
    update = term.update?.tiles[tile]
    gate = term.gate.map { gate in
      (gate.weights, interleave(gate.gradient, width: gate.weights.outFeatures))
    }
  }

  /// Fills the totals with `dy · W`.
  func multiply(_ strip: WeightMatrix.Panel, in memory: StripMemory) {
    Self.multiply(rows, by: weights, strip, in: memory)
  }

  /// Fills the totals with `dg · W_gate`; `false` without a gate.
  func multiplyGate(_ strip: WeightMatrix.Panel, in memory: StripMemory) -> Bool {
    guard let gate else { return false }
    Self.multiply(gate.rows, by: gate.weights, strip, in: memory)
    return true
  }

  private static func multiply(
    _ rows: InterleavedInput, by weights: WeightMatrix, _ strip: WeightMatrix.Panel,
    in memory: StripMemory
  ) {
    memory.clear(strip, paddedRows: rows.paddedRows)
    let wide = PanelWidth.wide.rawValue
    withUnsafeTemporaryAllocation(of: Float.self, capacity: wide * wide) { widened in
      guard let widened = widened.baseAddress else { return }
      memory.add(rows, depth: weights.outFeatures, strip: strip) { block, strip, target in
        weights.copyTransposed(outputs: block, strip: strip, to: target, widened: widened)
      }
    }
  }
}
