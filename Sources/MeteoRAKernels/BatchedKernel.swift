import MeteoRAMath

// BatchedKernel: the published bmm-v1.
//
//   for every token t and choice j, e = its adapter:   gA[t,j] = A[e]    gB[t,j] = B[e]
//   z[t,j] = gA[t,j] · x[t]        batched product over (t, j)
//   u[t,j] = gB[t,j] · z[t,j]      batched product over (t, j)
//   d[t]   = Σ_j fma(c[t,j], u[t,j], ·)       j in ascending adapter index, from +0
//   y[t]  += d[t]
//
//   (t, j) ─▶ copy A, B ─▶ z ─▶ u ─▶ Σ_j ─▶ + y[t]
//
// It is what a framework without a grouped product can do, and costs it the copies: k · r ·
// (in + out) elements a token. The published code gathers all tokens at once; here a chunk of
// tokens at a time, and each copy at its own size, so that memory stays bounded. The copies are
// exact, and the chain of every output is that of the loop kernel, so the bits are the same.
// Threads split the pairs (t, j), then the tokens.

/// Elements of gathered copies (32 MiB) that a chunk of more than one token may have.
private let gatherBudget = 8 << 20

func addDeltaByBatches(_ call: LoRAMoECall) {
  let (bank, routing) = (call.bank, call.routing)
  let (topK, outFeatures) = (routing.topK, bank.outFeatures)
  let layouts = bank.adapters.map { $0.map(GatherLayout.init) }
  var memory = AlignedMemory(byteCount: 0)
  var first = 0
  while first < routing.tokens {
    let chunk = GatheredChunk(from: first, routing: routing, layouts: layouts)
    let tokens = first..<first + chunk.tokens
    if chunk.byteCount > memory.byteCount { memory = AlignedMemory(byteCount: chunk.byteCount) }
    let gathered = memory.address.assumingMemoryBound(to: Float.self)

    call.parallelism.forEachRange(of: tokens.count * topK) { slots in
      for slot in slots {
        let term = first * topK + slot
        let index = Int(routing.adapters[term])
        guard let adapter = bank.adapters[index], let layout = layouts[index] else { continue }
        let base = gathered + chunk.offsets[slot]
        let a = GatheredMatrix(copying: adapter.a, to: base)
        let b = GatheredMatrix(copying: adapter.b, to: base + layout.b)
        a.multiply(call.x + term / topK * bank.inFeatures, to: base + layout.z)
        b.multiply(base + layout.z, to: base + layout.u)
      }
    }
    call.parallelism.forEachRange(of: tokens.count) { range in
      var d = [Float](repeating: 0, count: outFeatures)
      for t in range.map({ tokens.lowerBound + $0 }) {
        for o in 0..<outFeatures { d[o] = 0 }
        for term in t * topK..<(t + 1) * topK {
          let index = Int(routing.adapters[term])
          guard let adapter = bank.adapters[index], let layout = layouts[index] else { continue }
          let c = routing.weights[term] * adapter.scaling
          let u = gathered + chunk.offsets[term - tokens.lowerBound * topK] + layout.u
          for o in 0..<outFeatures { d[o].addProduct(c, u[o]) }
        }
        call.finish(token: t, update: d)
      }
    }
    first = tokens.upperBound
  }
}

/// Where the parts of one (token, choice) stand: A at 0, then B, z and u.
private struct GatherLayout {
  let b: Int
  let z: Int
  let u: Int
  let elements: Int

  init(_ adapter: LoRAAdapter) {
    b = adapter.a.paddedOutputs * adapter.a.inFeatures
    z = b + adapter.b.paddedOutputs * adapter.b.inFeatures
    u = z + adapter.a.paddedOutputs
    elements = u + adapter.b.paddedOutputs
  }
}

/// Tokens whose copies are gathered together.
private struct GatheredChunk {
  var tokens = 0
  /// Of every (token, choice) of the chunk: where its parts begin, in elements.
  var offsets: [Int] = []
  private var elements = 0

  var byteCount: Int { elements * MemoryLayout<Float>.size }

  /// One token, and as many more as fit the budget.
  init(from first: Int, routing: Routing, layouts: [GatherLayout?]) {
    for token in first..<routing.tokens {
      let choices = routing.adapters[token * routing.topK..<(token + 1) * routing.topK]
      let sizes = choices.map { layouts[Int($0)]?.elements ?? 0 }
      if tokens > 0, elements + sizes.reduce(0, +) > gatherBudget { return }
      for size in sizes {
        offsets.append(elements)
        elements += size
      }
      tokens += 1
    }
  }
}

/// A copy of a matrix, widened, panel after panel.
private struct GatheredMatrix {
  let matrix: WeightMatrix
  let base: UnsafeMutablePointer<Float>

  init(copying matrix: WeightMatrix, to base: UnsafeMutablePointer<Float>) {
    self.matrix = matrix
    self.base = base
    for panel in matrix.panels {
      widenBlock(
        matrix.block(panel, at: 0), count: matrix.inFeatures,
        into: UnsafeMutableRawPointer(base + panel.firstOutput * matrix.inFeatures))
    }
  }

  /// - Parameter y: `paddedOutputs` elements.
  func multiply(_ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>) {
    y.update(repeating: 0, count: matrix.paddedOutputs)
    withUnsafePointer(to: x) { row in
      for panel in matrix.panels {
        let stride = panel.width.rawValue
        for first in Swift.stride(from: 0, to: matrix.inFeatures, by: DotProduct.blockLength) {
          let range = first..<min(first + DotProduct.blockLength, matrix.inFeatures)
          let weights = WeightBlock(
            base: UnsafeRawPointer(base + panel.firstOutput * matrix.inFeatures + first * stride),
            stride: stride * MemoryLayout<Float>.size, format: .float32, width: panel.width)
          addBlock(
            rows: row, rowCount: 1, range: range, weights: weights, to: y + panel.firstOutput,
            yStride: 0)
        }
      }
    }
  }
}
