import MeteoRAMath

// The two halves of the low-rank update of a tile's terms:
//
//   z[term] = A[e] · x[t]                       threads split the terms, eight at a time
//
//   for some panels of outputs, as many as stay in the second-level cache with their updates:
//     for e ascending, for the terms of e, four at a time:          see UpProjection.swift
//       d[t][panel] = fma(c[term], B[e][panel] · z[term], d[t][panel])      from +0
//
// Who adds d to the outputs: see PanelUpdates.swift.

extension RoutedTerms {
  /// Rows of x that are multiplied together.
  private static let rowsAtATime = 8

  /// Computes `z = A · x` of all terms, in one parallel region.
  ///
  /// - Parameter x: `[tokens, inFeatures]`, row-major; of all tiles.
  static func projectDown(
    _ tiles: [RoutedTerms], x: UnsafePointer<Float>, parallelism: Parallelism
  ) {
    let work = tiles.indices.flatMap { index in
      tiles[index].groups.flatMap { group in
        stride(from: 0, to: group.count, by: rowsAtATime).map { (index, group, $0) }
      }
    }
    parallelism.forEachRange(of: work.count) { range in
      for (index, group, first) in work[range] {
        tiles[index].projectDown(group, from: first, x: x)
      }
    }
  }

  /// Computes z of up to eight terms of a group.
  private func projectDown(_ group: Group, from first: Int, x: UnsafePointer<Float>) {
    guard let a = bank.adapters[group.adapter]?.a else { return }
    let rank = group.rank
    let most = Self.rowsAtATime
    withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: most) { inputs in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: most * rank) { products in
        guard let inputs = inputs.baseAddress, let products = products.baseAddress else { return }
        let count = min(most, group.count - first)
        let masked = AlignedMemory(
          byteCount: dropout.input == nil ? 0 : count * bank.inFeatures * MemoryLayout<Float>.size)
        for term in 0..<count {
          let row = tokens.lowerBound + Int(rows[group.first + first + term])
          let start = x + row * bank.inFeatures
          if let mask = dropout.input {
            let target = masked.floats + term * bank.inFeatures
            mask.apply(
              to: start, row: row, adapter: group.adapter, width: bank.inFeatures, target: target)
            (inputs + term).initialize(to: UnsafePointer(target))
          } else {
            (inputs + term).initialize(to: start)
          }
        }
        if first == 0, let start = a.firstBlock?.base {
          touchLines(
            of: UnsafeRawBufferPointer(start: start, count: a.byteCount), witness: products)
        }
        a.multiply(a.panels[...], rows: inputs, count: count, to: products, yStride: rank)
        let z = group.z + first * rank
        for term in 0..<min(most, 4 * group.quads - first) {
          let place = z + term / 4 * 4 * rank + term % 4
          for k in 0..<rank { place[4 * k] = term < count ? products[term * rank + k] : 0 }
        }
        withExtendedLifetime(masked) {}
      }
    }
  }

  /// Panels whose updates are computed together: they stay in the second-level cache until they are
  /// added, and B is read in pieces as long as that allows, since memory is fast only where it is
  /// read on and on.
  var panelsAtATime: Int { max((1 << 18) / panelElements, 1) }

  /// Elements of the updates of a panel.
  private var panelElements: Int { (tokens.count + 1) * PanelWidth.wide.rawValue }

  /// Computes the updates of the outputs of some panels; z must be there.
  func projectUp(_ panels: ArraySlice<WeightMatrix.Panel>) -> PanelUpdates {
    let wide = PanelWidth.wide.rawValue
    let widest = groups.lazy.filter { $0.b.format != .float32 }.map(\.rank).max() ?? 0
    let count = panels.count * panelElements
    let memory = AlignedMemory(byteCount: (count + widest * wide + 1) * MemoryLayout<Float>.size)
    memory.floats.update(repeating: 0, count: count)
    for group in groups {
      add(group, panels, to: memory.floats, widened: memory.floats + count)
    }
    return PanelUpdates(memory: memory, first: panels.startIndex, stride: panelElements)
  }

  /// Adds the terms of one adapter to the updates of some panels.
  ///
  /// - Parameters:
  ///   - d: `[panels, tokens + 1, width]`.
  ///   - widened: Room for a panel of B in binary32, unless it is stored so; an element at least.
  private func add(
    _ group: Group, _ panels: ArraySlice<WeightMatrix.Panel>, to d: UnsafeMutablePointer<Float>,
    widened: UnsafeMutablePointer<Float>
  ) {
    rows.withUnsafeBufferPointer { rows in
      factors.withUnsafeBufferPointer { factors in
        guard let rows = rows.baseAddress, let factors = factors.baseAddress,
          let first = panels.first, let last = panels.last
        else { return }
        let outputBytes = group.rank * group.b.format.byteWidth
        // Only the last panel may hold padding: those before it are as long as their outputs.
        let outputs = last.firstOutput + last.width.rawValue - first.firstOutput
        touchLines(
          of: UnsafeRawBufferPointer(
            start: group.b.base + first.firstOutput * outputBytes, count: outputs * outputBytes),
          witness: widened)
        let quads = TermQuads(
          count: group.quads, z: group.z, rows: rows + group.first,
          factors: factors + group.first)
        for (index, panel) in panels.enumerated() {
          var weights = group.b
          weights.base += panel.firstOutput * outputBytes
          weights.width = panel.width
          weights.stride = panel.width.rawValue * weights.format.byteWidth
          if weights.format != .float32 {
            widenBlock(weights, count: group.rank, into: widened)
            weights.base = UnsafeRawPointer(widened)
          }
          let target = d + index * panelElements
          if let mask = dropout.output {
            addMaskedTerms(of: group, quads, weights: weights.base, panel, mask, to: target)
          } else {
            addTerms(
              quads, rank: group.rank, weights: weights.base, width: panel.width, to: target)
          }
        }
      }
    }
  }

  /// As ``addTerms(_:rank:weights:width:to:)``, with `u · mask` for u of every term.
  private func addMaskedTerms(
    of group: Group, _ quads: TermQuads, weights: UnsafeRawPointer, _ panel: WeightMatrix.Panel,
    _ dropout: LoRADropout, to d: UnsafeMutablePointer<Float>
  ) {
    let width = panel.width.rawValue
    let columns = panel.firstOutput..<panel.firstOutput + panel.outputs
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 5 * width) { memory in
      guard let products = memory.baseAddress else { return }
      let mask = products + 4 * width
      let (places, ones): ([Int32], [Float]) = ([0, 1, 2, 3], [1, 1, 1, 1])
      for term in 0..<group.count {
        if term % 4 == 0 {
          // The products alone: each is added to +0 with the factor 1.
          products.update(repeating: 0, count: 4 * width)
          places.withUnsafeBufferPointer { places in
            ones.withUnsafeBufferPointer { ones in
              guard let places = places.baseAddress, let ones = ones.baseAddress else { return }
              let quad = TermQuads(
                count: 1, z: quads.z + term * group.rank, rows: places, factors: ones)
              addTerms(
                quad, rank: group.rank, weights: weights, width: panel.width, to: products)
            }
          }
        }
        let row = Int(quads.rows[term])
        dropout.mask(tokens.lowerBound + row, group.adapter, columns, mask)
        for column in 0..<panel.outputs {
          let product = products[term % 4 * width + column] * mask[column]
          d[row * width + column].addProduct(quads.factors[term], product)
        }
      }
    }
  }
}
