import MeteoRAMath

// RoutedGradient: from the gradient of a module's output to those of its adapters and its gate.
//
//   forward     z_i = A_i · x                 terms sorted by adapter, see RoutedTerms.swift
//   backward    u_i = B_iᵀ · dy               the same terms, of the transposed adapters
//
//   h_i   = s_i · dot(u_i, z_i)               the gradient of the routing weight w_i
//   e     = dot of (w_i, h_i), i ∈ I          r_i = (w_i · (h_i − e)) / T
//   dA_i += (c_i · u_i)ᵀ · x                  over the rows that selected i
//   dB_i += dyᵀ · (c_i · z_i)
//
// What reaches x is the update of the transposed adapters, with the same routing: Σ c_i · A_iᵀ (u_i).
// The forward pass's kernel computes it, see InputGradient.swift.

extension LoRAAdapter {
  /// Bᵀ for A, and Aᵀ for B.
  package func transposed() throws(KernelError) -> LoRAAdapter {
    try LoRAAdapter(a: b.transposed(), b: a.transposed(), scaling: scaling)
  }
}

extension LoRABank {
  /// The adapters the other way round: what reaches the input of this layer is the update of its
  /// output's gradient by them.
  package func transposed() throws(KernelError) -> LoRABank {
    var transposed: [LoRAAdapter?] = []
    for adapter in adapters { transposed.append(try adapter?.transposed()) }
    return try LoRABank(
      adapters: transposed, outFeatures: inFeatures, inFeatures: outFeatures)
  }
}

/// The terms of a module in the forward and in the backward pass.
package struct RoutedGradient {
  /// Of x and the module's adapters.
  let z: RoutedUpdate
  /// Of dy and the transposed adapters, with the same routing and tiles.
  let u: RoutedUpdate
  let routing: Routing

  package init(z: RoutedUpdate, u: RoutedUpdate, routing: Routing) {
    self.z = z
    self.u = u
    self.routing = routing
  }

  /// Writes the gradients of the routing weights: h, `[tokens, topK]` in ascending adapter; +0 for
  /// an adapter that lacks the module.
  func weightGradients(to h: UnsafeMutablePointer<Float>, parallelism: Parallelism) {
    h.update(repeating: 0, count: routing.tokens * routing.topK)
    let groups = zip(z.tiles, u.tiles).flatMap { z, u in
      zip(z.groups, u.groups).map { (z, $0, $1) }
    }
    parallelism.forEachRange(of: groups.count) { range in
      for (terms, z, u) in groups[range] {
        let scaling = terms.bank.parts[z.adapter]?.scaling ?? 0
        for term in 0..<z.count {
          let row = terms.tokens.lowerBound + Int(terms.rows[z.first + term])
          let place = row * routing.topK + routing.place(of: z.adapter, inRow: row)
          h[place] = scaling * dot(u.z, z.z, rank: z.rank, term: term)
        }
      }
    }
  }

  /// The dot product of a term's `[rank]` in two groups of quads.
  private func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, rank: Int, term: Int
  ) -> Float {
    let first = term / 4 * 4 * rank + term % 4
    var total: Float = 0
    for start in stride(from: 0, to: rank, by: DotProduct.blockLength) {
      var sum: Float = 0
      for k in start..<min(start + DotProduct.blockLength, rank) {
        sum.addProduct(a[first + 4 * k], b[first + 4 * k])
      }
      total += sum
    }
    return total
  }

  /// Adds r to the gradients of the gate logits, `[tokens, adapters]`.
  ///
  /// - Parameter temperature: T.
  package func addGateGradients(
    temperature: Float, to gradients: UnsafeMutablePointer<Float>, parallelism: Parallelism
  ) {
    let topK = routing.topK
    // The weight of an only adapter is 1 by rule, whatever its logit.
    guard topK > 1 else { return }
    let memory = AlignedMemory(byteCount: routing.tokens * topK * MemoryLayout<Float>.size)
    let h = memory.floats
    weightGradients(to: h, parallelism: parallelism)
    routing.weights.withUnsafeBufferPointer { weights in
      guard let weights = weights.baseAddress else { return }
      parallelism.forEachRange(of: routing.tokens) { range in
        for row in range {
          let (w, h) = (weights + row * topK, h + row * topK)
          let mean = sumOfProducts(w, h, count: topK)
          for term in 0..<topK {
            let adapter = Int(routing.adapters[row * topK + term])
            gradients[row * routing.adapterCount + adapter] +=
              w[term] * (h[term] - mean) / temperature
          }
        }
      }
    }
    withExtendedLifetime(memory) {}
  }

  /// Adds the gradients of one adapter's A and B.
  ///
  /// - Parameters:
  ///   - x: `[tokens, inFeatures]`.
  ///   - dy: `[tokens, outFeatures]`.
  ///   - a: `[rank, inFeatures]`.
  ///   - b: `[outFeatures, rank]`.
  package func addAdapterGradients(
    of adapter: Int, input x: UnsafePointer<Float>, outputGradient dy: UnsafePointer<Float>,
    a: UnsafeMutablePointer<Float>, b: UnsafeMutablePointer<Float>, parallelism: Parallelism
  ) {
    guard let bank = z.tiles.first?.bank, let rank = bank.parts[adapter]?.rank else { return }
    let downs = WeighedTerms(u, of: adapter, rank: rank)
    let ups = WeighedTerms(z, of: adapter, rank: rank)
    let width = bank.inFeatures
    let dropout = z.tiles.first?.dropout.input
    let masked = AlignedMemory(
      byteCount: dropout == nil ? 0 : downs.rows.count * width * MemoryLayout<Float>.size)
    if let dropout {
      for (index, row) in downs.rows.enumerated() {
        dropout.apply(
          to: x + row * width, row: row, adapter: adapter, width: width,
          target: masked.floats + index * width)
      }
    }
    addWeightGradient(
      GradientRows(downs.values, count: downs.rows.count, width: rank),
      dropout == nil
        ? GradientRows(x, at: downs.rows, width: width)
        : GradientRows(masked.floats, count: downs.rows.count, width: width),
      to: GradientTarget(a, width: width), parallelism: parallelism)
    addWeightGradient(
      GradientRows(ups.values, count: ups.rows.count, width: rank),
      GradientRows(dy, at: ups.rows, width: bank.outFeatures),
      to: GradientTarget(transposed: b, width: rank), parallelism: parallelism)
    withExtendedLifetime((downs, ups, masked)) {}
  }
}

/// The terms of one adapter in all tiles, ascending by row, times their factors.
private struct WeighedTerms {
  /// Rows that selected the adapter.
  private(set) var rows: [Int] = []
  private let memory: AlignedMemory

  /// `c · z`, `[rows.count, rank]`.
  var values: UnsafeMutablePointer<Float> { memory.floats }

  init(_ update: RoutedUpdate, of adapter: Int, rank: Int) {
    let groups = update.tiles.flatMap { tile in
      tile.groups.filter { $0.adapter == adapter }.map { (tile, $0) }
    }
    let count = groups.reduce(0) { $0 + $1.1.count }
    memory = AlignedMemory(byteCount: count * rank * MemoryLayout<Float>.size)
    rows.reserveCapacity(count)
    for (tile, group) in groups {
      for term in 0..<group.count {
        let target = memory.floats + rows.count * rank
        let source = group.z + term / 4 * 4 * rank + term % 4
        let factor = tile.factors[group.first + term]
        for k in 0..<rank { target[k] = factor * source[4 * k] }
        rows.append(tile.tokens.lowerBound + Int(tile.rows[group.first + term]))
      }
    }
  }
}

extension Routing {
  /// The place of an adapter that a row selected among its ascending terms.
  fileprivate func place(of adapter: Int, inRow row: Int) -> Int {
    var place = 0
    while place < topK - 1, adapters[row * topK + place] != adapter { place += 1 }
    return place
  }
}
