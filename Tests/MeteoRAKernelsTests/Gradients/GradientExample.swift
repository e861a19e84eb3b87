import MeteoRAKernels
import MeteoRATestSupport
import Testing

/// An operation, its kernels of the backward pass, and operands for both.
///
/// The loss is `Σ c · y` over the outputs y of the operation.
struct GradientExample: Sendable, CustomTestStringConvertible {
  /// What operations have in common.
  enum Kind: String, CaseIterable, Codable {
    case linear, rows, attention, routed, losses

    var examples: [GradientExample] {
      switch self {
      case .linear: GradientExample.linear
      case .rows: GradientExample.rows
      case .attention: GradientExample.attention
      case .routed: GradientExample.routed
      case .losses: GradientExample.losses
      }
    }
  }

  /// An operand that the loss is differentiated by.
  struct Variable: Sendable {
    var name: String
    var shape: [Int]
    var values: [Float]
    /// What stands where its gradient goes.
    var start: [Float]
    /// Whether the gradient is added to that, not written over it.
    var isAdded: Bool

    /// A variable whose gradient is written.
    init(_ name: String, _ shape: [Int], _ values: [Float]) {
      self.init(name, shape, values, start: values.map { _ in .nan }, isAdded: false)
    }

    /// A variable whose gradient is added to what stands there.
    init(_ name: String, _ shape: [Int], _ values: [Float], addedTo start: [Float]) {
      self.init(name, shape, values, start: start, isAdded: true)
    }

    private init(
      _ name: String, _ shape: [Int], _ values: [Float], start: [Float], isAdded: Bool
    ) {
      self.name = name
      self.shape = shape
      self.values = values
      self.start = start
      self.isAdded = isAdded
    }
  }

  /// The memory of a kernel, between margins.
  struct Memory {
    /// Of the variables, in order.
    var values: [UnsafePointer<Float>]
    /// Where their gradients go.
    var gradients: [UnsafeMutablePointer<Float>]
    /// The loss's weights of the outputs.
    var c: UnsafePointer<Float>
    /// What the kernel writes besides.
    var scratch: [UnsafeMutablePointer<Float>]
  }

  var testDescription: String
  var variables: [Variable]
  /// c
  var outputGradient: [Float]
  /// Elements of what the kernel writes besides.
  var scratch: [Int] = []
  /// y of the variables, in binary64, from the definition.
  var outputs: @Sendable (_ variables: [[Double]]) -> [Double]
  /// Calls the kernels.
  var differentiate: @Sendable (Memory, Parallelism) throws -> Void

  /// What kernels read: the variables, then c.
  var read: [[Float]] { variables.map(\.values) + [outputGradient] }

  /// What stands where they write: gradients, then the rest.
  var written: [[Float]] {
    variables.map(\.start) + scratch.map { [Float](repeating: .nan, count: $0) }
  }

  /// Calls the kernels with ``read`` and ``written`` somewhere in memory.
  func differentiate(
    _ read: [UnsafeMutablePointer<Float>], _ written: [UnsafeMutablePointer<Float>], threads: Int
  ) throws {
    let sources = read.map { UnsafePointer($0) }
    try differentiate(
      Memory(
        values: Array(sources.prefix(variables.count)),
        gradients: Array(written.prefix(variables.count)), c: sources[variables.count],
        scratch: Array(written.dropFirst(variables.count))),
      Parallelism(threads: threads))
  }

  /// What is in memory behind the kernels: gradients, then the rest.
  func results(threads: Int = 1, margin: GuardedOperands.Margin = .notANumber) throws -> [[Float]] {
    let sources = GuardedOperands(read, margin: margin)
    let targets = GuardedOperands(written, margin: margin)
    try differentiate(sources.pointers, targets.pointers, threads: threads)
    #expect(sources.isIntact, "memory beside operands is written to, threads: \(threads)")
    #expect(targets.isIntact, "memory beside gradients is written to, threads: \(threads)")
    for (now, before) in zip(sources.values, read) { expectSameBits(now, before, "an operand") }
    return targets.values
  }

  /// The first element of a gradient that is not what differences say, in words.
  func firstMismatch() throws -> String? {
    let gradients = try results()
    let values = variables.map { $0.values.map(Double.init) }
    for (index, variable) in variables.enumerated() {
      let slopes = Slope.along(values[index], weighing: outputGradient.map(Double.init)) { moved in
        var all = values
        all[index] = moved
        return outputs(all)
      }
      let mismatch = Slope.firstMismatch(
        gradients[index], slopes, name: "d\(variable.name)", shape: variable.shape,
        start: variable.isAdded ? variable.start : nil)
      if let mismatch { return mismatch }
    }
    return nil
  }

  /// The same with NaN for every number that is read: what it leaves behind in memory that is used
  /// again must not show.
  var withoutNumbers: GradientExample {
    var example = self
    for index in variables.indices {
      example.variables[index].values = variables[index].values.map { _ in .nan }
    }
    example.outputGradient = outputGradient.map { _ in .nan }
    return example
  }
}
