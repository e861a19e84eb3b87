import MeteoRAKernels
import MeteoRALlama
import MeteoRAMath

/// `sampling/{settings}/{vocabulary}`: from the logits of one position to the next token.
struct SamplingBenchmark {
  let run: BenchmarkRun

  private static let vocabulary = 128_256

  /// Settings of the cases, as their names tell them.
  private static let settings: [(label: String, options: GenerationOptions)] = {
    var drawn = GenerationOptions()
    (drawn.temperature, drawn.topK, drawn.topP, drawn.seed) = (0.8, 50, 0.95, 11)
    var nucleus = drawn
    nucleus.topK = 0
    return [
      ("greedy", GenerationOptions()), ("t0.8k50p0.95", drawn), ("t0.8p0.95", nucleus),
    ]
  }()

  static var caseNames: [String] {
    settings.map { "sampling/\($0.label)/\(vocabulary)" }
  }

  func measureAll() throws {
    guard run.includesAny(of: "sampling/") else { return }
    run.output.writeHeading(ResultRow.heading)
    // Far from flat, as those of a model.
    let logits = PseudoRandom.values(Self.vocabulary, seed: 7).map { $0 * $0 * $0 * 120 }
    for (name, settings) in zip(Self.caseNames, Self.settings) {
      try measure(name, logits, settings.options)
    }
  }

  private func measure(_ name: String, _ logits: [Float], _ options: GenerationOptions) throws {
    guard run.includes(name) else { return }
    for step in 0..<2 {
      guard
        options.choice(of: logits, after: [], step: step)
          == (try definition(logits, options, step: step))
      else { throw BenchmarkError.bitsDiffer(name) }
    }
    var step = 0
    try run.measure(name, work: Work(flops: 0, bytes: Double(4 * logits.count), tokens: 1)) {
      keep(options.choice(of: logits, after: [], step: step))
      step += 1
    }
  }

  /// The same by sorting everything.
  private func definition(
    _ logits: [Float], _ options: GenerationOptions, step: Int
  ) throws -> Int? {
    let order = logits.indices.sorted { (-logits[$0], $0) < (-logits[$1], $1) }
    if options.temperature == 0 { return order.first }
    var row = logits.map { $0 / options.temperature }
    if options.topK > 0 {
      let threshold = row[order[options.topK - 1]]
      row = row.map { $0 < threshold ? -.infinity : $0 }
    }
    let ones = [Float](repeating: 1, count: row.count)
    let shares = try softmax(row, rows: 1, width: row.count)
    let descending = order.map { shares[$0] }
    let nucleus = try order.indices.first { last in
      try DotProduct.dot(Array(descending[...last]), Array(ones[...last])) >= options.topP
    }
    var kept = [Float](repeating: -.infinity, count: row.count)
    for id in order[...(nucleus ?? order.count - 1)] { kept[id] = row[id] }
    let probabilities = try softmax(kept, rows: 1, width: row.count)
    let target =
      uniformNumber(seed: options.seed, step: UInt64(step))
      * (try DotProduct.dot(probabilities, ones))
    return try probabilities.indices.first { id in
      if probabilities[id] == 0 { return false }
      return target < (try DotProduct.dot(Array(probabilities[...id]), Array(ones[...id])))
    }
  }
}
