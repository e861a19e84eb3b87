import MeteoRAMath

/// The gated activation of Llama's MLP, `y = (g / (1 + exp(−g))) · u`, every step rounded.
///
/// - Parameters:
///   - gate: `count` elements.
///   - up: `count` elements.
///   - y: `count` elements, apart from both inputs.
package func siluMultiply(
  gate: UnsafePointer<Float>, up: UnsafePointer<Float>, count: Int,
  to y: UnsafeMutablePointer<Float>, parallelism: Parallelism
) {
  parallelism.forEachRange(of: count) { range in
    // So many that they stay in the first-level cache from one step to the next.
    for first in stride(from: range.lowerBound, to: range.upperBound, by: 2048) {
      let part = first..<min(first + 2048, range.upperBound)
      for i in part { y[i] = -gate[i] }
      CorrectlyRounded.exp(
        inPlace: UnsafeMutableBufferPointer(start: y + first, count: part.count))
      for i in part { y[i] = gate[i] / (1 + y[i]) * up[i] }
    }
  }
}

/// The gated activation of Llama's MLP, `y = (g / (1 + exp(−g))) · u`, every step rounded.
///
/// - Parameters:
///   - gate: Output of `gate_proj`, any shape.
///   - up: Output of `up_proj`, as many elements.
/// - Returns: As many elements.
/// - Throws: ``KernelError/elementCount(argument:expected:actual:)`` if the sizes differ.
public func siluMultiply(
  gate: [Float], up: [Float], parallelism: Parallelism = .serial
) throws(KernelError) -> [Float] {
  try requireElements(up.count, shape: [gate.count], of: "up")
  // An array without elements is one for all threads, which none of them may write to.
  if gate.isEmpty { return [] }
  return [Float](unsafeUninitializedCapacity: gate.count) { y, initialized in
    initialized = gate.count
    guard let output = y.baseAddress else { return }
    gate.withUnsafeBufferPointer { gate in
      up.withUnsafeBufferPointer { up in
        guard let gate = gate.baseAddress, let up = up.baseAddress else { return }
        siluMultiply(gate: gate, up: up, count: y.count, to: output, parallelism: parallelism)
      }
    }
  }
}
