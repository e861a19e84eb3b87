import MeteoRAMath

/// What reaches the inputs of ``siluMultiply(gate:up:count:to:parallelism:)``, every step rounded:
///
///     q = 1 + exp(−g)      σ = 1 / q      s = g / q
///     du = dy · s          dg = (dy · u) · (σ · (1 + g · (1 − σ)))
///
/// - Parameters:
///   - gate: `count` elements, as `up` and `outputGradient`.
///   - gateGradient: `count` elements, overwritten; may be the memory of `gate`.
///   - upGradient: `count` elements, overwritten; may be the memory of `up`.
package func siluMultiplyGradient(
  gate: UnsafePointer<Float>, up: UnsafePointer<Float>, outputGradient dy: UnsafePointer<Float>,
  count: Int, gateGradient: UnsafeMutablePointer<Float>, upGradient: UnsafeMutablePointer<Float>,
  parallelism: Parallelism
) {
  // So many that they stay in the first-level cache from one step to the next.
  let step = 1024
  parallelism.forEachRange(of: count) { range in
    withUnsafeTemporaryAllocation(of: Float.self, capacity: step) { memory in
      guard let e = memory.baseAddress else { return }
      for first in stride(from: range.lowerBound, to: range.upperBound, by: step) {
        let part = first..<min(first + step, range.upperBound)
        for i in part { e[i - first] = -gate[i] }
        CorrectlyRounded.exp(inPlace: UnsafeMutableBufferPointer(start: e, count: part.count))
        for i in part {
          let (g, u) = (gate[i], up[i])
          let q = 1 + e[i - first]
          let sigma = 1 / q
          upGradient[i] = dy[i] * (g / q)
          gateGradient[i] = dy[i] * u * (sigma * (1 + g * (1 - sigma)))
        }
      }
    }
  }
}
