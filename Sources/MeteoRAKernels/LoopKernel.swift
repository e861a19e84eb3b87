import MeteoRAMath

// LoopKernel: adapter by adapter over the tokens that chose it. The definition that the other
// kernels equal.
//
//   x [T, in]   routing [T, k]   A[e] [r, in]   B[e] [out, r]   s[e]   y [T, out] in place
//
//   for e ascending, for t that chose e:
//     z[j]   = dot(A[e][j], x[t])                 the dot product of the arithmetic contract
//     c      = w[t,e] · s[e]
//     d[t,o] = fma(c, dot(B[e][o], z), d[t,o])    from +0
//   y[t,o] += d[t,o]                              once, after the last adapter
//
//   x[t] ─▶ A[e] ─▶ z ─▶ B[e] ─▶ ·c ─▶ Σ_e ─▶ + y[t]
//    in     r×in    r    out×r                  out
//
// Written for the reader: row-major weights, one chain at a time. Threads split the tokens.

func addDeltaByLoop(_ call: LoRAMoECall) {
  let (bank, routing) = (call.bank, call.routing)
  let (inFeatures, outFeatures, topK) = (bank.inFeatures, bank.outFeatures, routing.topK)
  var d = [Float](repeating: 0, count: routing.tokens * outFeatures)
  d.withUnsafeMutableBufferPointer { d in
    guard let d = d.baseAddress else { return }
    for (e, adapter) in bank.adapters.enumerated() {
      guard let adapter else { continue }
      let terms = routing.adapters.indices.filter { Int(routing.adapters[$0]) == e }
      if terms.isEmpty { continue }
      let rank = adapter.rank
      let a = RowMajorCopy(adapter.a)
      let b = RowMajorCopy(adapter.b)
      call.parallelism.forEachRange(of: terms.count) { range in
        var z = [Float](repeating: 0, count: rank)
        for term in terms[range] {
          let t = term / topK
          let c = routing.weights[term] * adapter.scaling
          for j in 0..<rank {
            z[j] = DotProduct.dot(a.row(j), call.x + t * inFeatures, count: inFeatures)
          }
          for o in 0..<outFeatures {
            d[t * outFeatures + o].addProduct(c, DotProduct.dot(b.row(o), z, count: rank))
          }
        }
      }
    }
    for t in 0..<routing.tokens {
      call.finish(token: t, update: d + t * outFeatures)
    }
  }
}

/// A matrix in the order that it has on paper.
private struct RowMajorCopy {
  private let memory: AlignedMemory
  private let columns: Int

  init(_ matrix: WeightMatrix) {
    columns = matrix.inFeatures
    memory = AlignedMemory(byteCount: matrix.outFeatures * columns * MemoryLayout<Float>.size)
    matrix.copyRows(to: memory.floats)
  }

  func row(_ index: Int) -> UnsafePointer<Float> {
    UnsafePointer(memory.floats) + index * columns
  }
}
