import MeteoRAKernels
import MeteoRAMath

/// `softmax/…`, `rms_norm/…`, `silu/…`: what works element by element, `{rows}x{width}`.
///
/// Their roofline is that of reading and writing memory once; the arithmetic of correctly rounded
/// functions has none that is easily told.
struct RowBenchmark {
  let run: BenchmarkRun

  private static let (softmaxName, softmaxWidth) = ("softmax/1x128256", 128_256)
  private static let (normName, normShape) = ("rms_norm/512x4096", (512, 4096))
  private static let (siluName, siluShape) = ("silu/512x14336", (512, 14336))

  static var caseNames: [String] { [softmaxName, normName, siluName] }

  func measureAll() throws {
    guard Self.caseNames.contains(where: run.includes) else { return }
    run.output.writeHeading(ResultRow.heading)
    try softmax(Self.softmaxName, width: Self.softmaxWidth)
    try norm(Self.normName, rows: Self.normShape.0, width: Self.normShape.1)
    try siluMultiply(Self.siluName, rows: Self.siluShape.0, width: Self.siluShape.1)
  }

  private func softmax(_ name: String, width: Int) throws {
    guard run.includes(name) else { return }
    let x = PseudoRandom.values(width, seed: 1).map { $0 * 20 }
    let largest = x.max() ?? 0
    let exponentials = x.map { CorrectlyRounded.exp($0 - largest) }
    let ones = [Float](repeating: 1, count: width)
    let sum = try DotProduct.dot(exponentials, ones)
    let y = try MeteoRAKernels.softmax(x, rows: 1, width: width, parallelism: run.parallelism)
    try require(y, exponentials.map { $0 / sum }, name)
    // In place, again and again: a softmax of a softmax costs the same.
    var row = x
    try run.measure(name, work: Work(flops: 0, bytes: Double(8 * width))) {
      MeteoRAKernels.softmax(row: &row)
    }
  }

  private func norm(_ name: String, rows: Int, width: Int) throws {
    guard run.includes(name) else { return }
    let x = PseudoRandom.values(rows * width, seed: 1)
    let weight = PseudoRandom.values(width, seed: 2)
    let epsilon: Float = 1e-5
    let input = Activations(x)
    let output = Activations(zeros: x.count)
    func normalise() {
      rmsNorm(
        input.start, rows: rows, weight: weight, epsilon: epsilon, to: output.start,
        parallelism: run.parallelism)
    }
    normalise()
    let last = Array(x[((rows - 1) * width)...])
    let reciprocal =
      1 / (try DotProduct.dot(last, last) / Float(width) + epsilon).squareRoot()
    try require(
      output[(rows - 1) * width..<rows * width], zip(weight, last).map { $0 * ($1 * reciprocal) },
      name)
    try run.measure(name, work: Work(flops: 0, bytes: Double(8 * rows * width)), normalise)
  }

  private func siluMultiply(_ name: String, rows: Int, width: Int) throws {
    guard run.includes(name) else { return }
    let gate = PseudoRandom.values(rows * width, seed: 1).map { $0 * 10 }
    let up = PseudoRandom.values(rows * width, seed: 2)
    let (gates, ups) = (Activations(gate), Activations(up))
    let output = Activations(zeros: up.count)
    func multiply() {
      MeteoRAKernels.siluMultiply(
        gate: gates.start, up: ups.start, count: rows * width, to: output.start,
        parallelism: run.parallelism)
    }
    multiply()
    let expected = zip(gate, up).prefix(10_000).map { x, u in
      (x / (1 + CorrectlyRounded.exp(-x))) * u
    }
    try require(output[0..<10_000], expected, name)
    try run.measure(name, work: Work(flops: 0, bytes: Double(12 * rows * width)), multiply)
  }

  private func require(_ actual: [Float], _ expected: [Float], _ name: String) throws {
    if BitEquality.firstDifference(actual, expected) != nil {
      throw BenchmarkError.bitsDiffer(name)
    }
  }
}
