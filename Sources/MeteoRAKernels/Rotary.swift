import MeteoRAMath

// Rotary position embedding, half-split (Llama's `rotate_half`), every step rounded:
//
//   e = 2i / d      inv[i] = 1 / pow(θ, e)      then scaled, see RotaryScaling
//   angle = position · inv[i]
//   y[i]       = x[i] · cos(angle)       − x[i + d/2] · sin(angle)
//   y[i + d/2] = x[i + d/2] · cos(angle) + x[i] · sin(angle)        i < d/2

/// How the frequencies of the rotary embedding are stretched for long contexts.
public enum RotaryScaling: Sendable, Equatable {
  /// As trained.
  case unscaled
  /// `inv / factor`.
  case linear(factor: Float)
  /// Llama 3.1: low frequencies divided by `factor`, high ones kept, a ramp between.
  case llama3(
    factor: Float, lowFrequencyFactor: Float, highFrequencyFactor: Float, originalContext: Float)
}

/// The frequencies of a rotary position embedding.
public struct RotaryEmbedding: Sendable, Equatable {
  /// Elements of a head; even.
  public let headDimension: Int
  /// `[headDimension / 2]` radians a position.
  public let inverseFrequencies: [Float]

  /// Elements of a head at most: every frequency is computed once for a model, before any weight
  /// has confirmed the size.
  static let maximumHeadDimension = 1 << 16

  /// - Parameters:
  ///   - headDimension: Even, 2 … 65536.
  ///   - theta: Base of the frequencies, finite, above 0.
  ///   - scaling: Its factors must be finite and above 0, and llama3's high above its low one.
  /// - Throws: ``KernelError/outOfRange(argument:actual:allowed:)``.
  public init(
    headDimension: Int, theta: Float, scaling: RotaryScaling = .unscaled
  ) throws(KernelError) {
    guard (2...Self.maximumHeadDimension).contains(headDimension), headDimension % 2 == 0 else {
      throw .outOfRange(
        argument: "head_dim", actual: "\(headDimension)",
        allowed: "even, in 2...\(Self.maximumHeadDimension)")
    }
    guard theta.isFinite, theta > 0 else {
      throw .outOfRange(argument: "rope_theta", actual: "\(theta)", allowed: "finite, above 0")
    }
    try scaling.validate()
    self.headDimension = headDimension
    inverseFrequencies = (0..<headDimension / 2).map { i in
      let exponent = Float(2 * i) / Float(headDimension)
      return scaling.apply(to: 1 / CorrectlyRounded.pow(theta, exponent))
    }
  }

  /// The cosines and sines of `positions`, each rounded to binary32 before it is multiplied.
  ///
  /// - Returns: `cos` and `sin`, each `[positions.count, headDimension / 2]`.
  /// - Throws: ``KernelError/tooManyElements(argument:shape:maximum:)`` above 2³¹ elements.
  public func tables(
    for positions: [Int]
  ) throws(KernelError) -> (cos: [Float], sin: [Float]) {
    _ = try outputCount([positions.count, headDimension / 2], of: "cos")
    return tables(forRows: positions)
  }

  /// As ``tables(for:)``, for the positions of rows that are in memory.
  package func tables(forRows positions: [Int]) -> (cos: [Float], sin: [Float]) {
    var angles: [Float] = []
    angles.reserveCapacity(positions.count * inverseFrequencies.count)
    for position in positions {
      let position = Float(position)
      for frequency in inverseFrequencies { angles.append(position * frequency) }
    }
    return (angles.map(CorrectlyRounded.cos), angles.map(CorrectlyRounded.sin))
  }
}

extension RotaryScaling {
  fileprivate func validate() throws(KernelError) {
    let factors: [(String, Float)] =
      switch self {
      case .unscaled: []
      case .linear(let factor): [("factor", factor)]
      case .llama3(let factor, let low, let high, let original):
        [
          ("factor", factor), ("low_freq_factor", low), ("high_freq_factor", high),
          ("original_max_position_embeddings", original),
        ]
      }
    for (name, value) in factors {
      guard value.isFinite, value > 0 else {
        throw .outOfRange(
          argument: "rope_scaling.\(name)", actual: "\(value)", allowed: "finite, above 0")
      }
    }
    if case .llama3(_, let low, let high, _) = self, !(high > low) {
      throw .outOfRange(
        argument: "rope_scaling.high_freq_factor", actual: "\(high)",
        allowed: "above low_freq_factor (\(low))")
    }
  }

  /// The stretched frequency; the comparisons and the order of the products are those of
  /// Transformers' `_compute_llama3_parameters`.
  fileprivate func apply(to frequency: Float) -> Float {
    switch self {
    case .unscaled:
      return frequency
    case .linear(let factor):
      return frequency / factor
    case .llama3(let factor, let low, let high, let original):
      let wavelength = Float(2 * Double.pi) / frequency
      if wavelength > original / low { return frequency / factor }
      if wavelength < original / high { return frequency }
      let smooth = (original / wavelength - low) / (high - low)
      return (1 - smooth) * frequency / factor + smooth * frequency
    }
  }
}

/// Rotates heads in place.
///
/// - Parameters:
///   - x: `[rows, heads, dimension]`.
///   - cos: `[rows, dimension / 2]`, as `sin`.
package func rotate(
  _ x: UnsafeMutablePointer<Float>, rows: Int, heads: Int, dimension: Int, cos: [Float],
  sin: [Float], parallelism: Parallelism
) {
  let half = dimension / 2
  cos.withUnsafeBufferPointer { cos in
    sin.withUnsafeBufferPointer { sin in
      parallelism.forEachRange(of: rows) { range in
        for row in range {
          let table = row * half
          for head in 0..<heads {
            let first = x + (row * heads + head) * dimension
            let second = first + half
            for i in 0..<half {
              let (a, b) = (first[i], second[i])
              let (c, s) = (cos[table + i], sin[table + i])
              first[i] = a * c - b * s
              second[i] = b * c + a * s
            }
          }
        }
      }
    }
  }
}

/// Rotates the heads of every row by the angles of its position.
///
/// - Parameters:
///   - x: `[positions.count, heads, headDimension]`.
///   - positions: Position of every row, counted from the start of its sequence.
/// - Returns: As `x`.
/// - Throws: ``KernelError`` if `x` has another size.
/// - SeeAlso: Su et al., *RoFormer*, arXiv:2104.09864.
public func rotate(
  _ x: [Float], positions: [Int], heads: Int, by embedding: RotaryEmbedding,
  parallelism: Parallelism = .serial
) throws(KernelError) -> [Float] {
  let dimension = embedding.headDimension
  try requireElements(x.count, shape: [positions.count, heads, dimension], of: "x")
  // Without heads no element of x backs the positions.
  if x.isEmpty { return [] }
  let tables = embedding.tables(forRows: positions)
  var y = x
  y.withUnsafeMutableBufferPointer { y in
    guard let output = y.baseAddress else { return }
    rotate(
      output, rows: positions.count, heads: heads, dimension: dimension, cos: tables.cos,
      sin: tables.sin, parallelism: parallelism)
  }
  return y
}
