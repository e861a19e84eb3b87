import MeteoRAMath

/// What reaches the input of ``rmsNorm(_:rows:weight:epsilon:to:parallelism:)``, every step rounded:
///
///     n = x · r      a = w · dy      q = dot(a, n) / H      dx = (a − n · q) · r
///
/// - Parameters:
///   - x: `[rows, weight.count]`, as `outputGradient`.
///   - normalised: `[rows, weight.count]`, gets n, which the gradient of the weight asks for; `nil`
///     if nobody does.
///   - dx: `[rows, weight.count]`, overwritten.
package func rmsNormGradient(
  _ x: UnsafePointer<Float>, rows: Int, weight: [Float], epsilon: Float,
  outputGradient dy: UnsafePointer<Float>, to dx: UnsafeMutablePointer<Float>,
  normalised: UnsafeMutablePointer<Float>? = nil, parallelism: Parallelism
) {
  let width = weight.count
  weight.withUnsafeBufferPointer { weight in
    parallelism.forEachRange(of: rows) { range in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * width) { memory in
        guard let n = memory.baseAddress else { return }
        let a = n + width
        for row in range {
          let x = x + row * width
          let dy = dy + row * width
          let dx = dx + row * width
          let reciprocal = reciprocalOfRoot(x, count: width, epsilon: epsilon)
          for i in 0..<width {
            n[i] = x[i] * reciprocal
            a[i] = weight[i] * dy[i]
          }
          let mean = sumOfProducts(a, n, count: width) / Float(width)
          for i in 0..<width { dx[i] = (a[i] - n[i] * mean) * reciprocal }
          if let normalised { (normalised + row * width).update(from: n, count: width) }
        }
      }
    }
  }
}
