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
// tokens at a time, so that memory stays bounded. The copies are exact, and the chain of every
// output is that of the loop kernel, so the bits are the same. Threads split the pairs (t, j),
// then the tokens.

/// Bytes that the gathered copies of one chunk of tokens may take.
private let gatherBudget = 32 << 20

func addDeltaByBatches(_ call: LoRAMoECall) {
  let (bank, routing) = (call.bank, call.routing)
  let (topK, outFeatures) = (routing.topK, bank.outFeatures)
  let layout = GatherLayout(bank)
  guard layout.slotElements > 0 else {
    // No adapter touches this module: the update of every token is zero.
    let zero = [Float](repeating: 0, count: outFeatures)
    zero.withUnsafeBufferPointer { zero in
      guard let zero = zero.baseAddress else { return }
      for t in 0..<routing.tokens {
        call.finish(token: t, outputs: 0..<outFeatures, update: zero)
      }
    }
    return
  }
  let slotBytes = layout.slotElements * MemoryLayout<Float>.size
  let chunk = max(1, min(routing.tokens, gatherBudget / (slotBytes * topK)))
  let memory = AlignedMemory(byteCount: (chunk * topK) * slotBytes)
  let gathered = memory.address.assumingMemoryBound(to: Float.self)

  for first in stride(from: 0, to: routing.tokens, by: chunk) {
    let tokens = first..<min(first + chunk, routing.tokens)
    call.parallelism.forEachRange(of: tokens.count * topK) { slots in
      for slot in slots {
        let term = first * topK + slot
        guard let adapter = bank.adapters[Int(routing.adapters[term])] else { continue }
        let base = gathered + slot * layout.slotElements
        let a = GatheredMatrix(copying: adapter.a, to: base)
        let b = GatheredMatrix(copying: adapter.b, to: base + layout.b)
        a.multiply(call.x + term / topK * bank.inFeatures, to: base + layout.z)
        b.multiply(base + layout.z, to: base + layout.u)
      }
    }
    call.parallelism.forEachRange(of: tokens.count) { range in
      var d = [Float](repeating: 0, count: outFeatures)
      for t in range.map({ first + $0 }) {
        for o in 0..<outFeatures { d[o] = 0 }
        for term in t * topK..<(t + 1) * topK {
          guard let adapter = bank.adapters[Int(routing.adapters[term])] else { continue }
          let c = routing.weights[term] * adapter.scaling
          let u = gathered + (term - first * topK) * layout.slotElements + layout.u
          for o in 0..<outFeatures { d[o].addProduct(c, u[o]) }
        }
        call.finish(token: t, outputs: 0..<outFeatures, update: d)
      }
    }
  }
}

/// Where the parts of one (token, choice) stand: A at 0, then B, z and u.
private struct GatherLayout {
  var b = 0
  var z = 0
  var u = 0
  var slotElements = 0

  init(_ bank: LoRABank) {
    let adapters = bank.adapters.compactMap { $0 }
    guard !adapters.isEmpty else { return }
    b = adapters.map { $0.a.paddedOutputs * $0.a.inFeatures }.max() ?? 0
    z = b + (adapters.map { $0.b.paddedOutputs * $0.b.inFeatures }.max() ?? 0)
    u = z + (adapters.map(\.a.paddedOutputs).max() ?? 0)
    slotElements = u + (adapters.map(\.b.paddedOutputs).max() ?? 0)
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
