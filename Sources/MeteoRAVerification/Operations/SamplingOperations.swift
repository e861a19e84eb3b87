import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

// Of N sequences with a row of V logits each:
//
// repetition_penalty:      logits [N, V], ids [N, M]; repetition_penalty → y [N, V]
// ngram_block:             logits [N, V], ids [N, M]; no_repeat_ngram_size → y [N, V]
// temperature:             logits [N, V]; temperature → y [N, V]
// top_k_filter:            logits [N, V]; top_k → y [N, V]
// top_p_filter:            logits [N, V], the largest of each row finite; top_p → y [N, V]
// sampling_probabilities:  logits [N, V], ids [N, M]; all of these → probabilities [N, V]
// sample:                  the same with step [N]; seed → next [N]
// random_uniform:          seed [N], step [N], 64 bits each → u [N]
// inverse_cdf:             probabilities [N, V], u [N] → next [N]

extension CaseRun {
  func repetitionPenalty() throws(VerificationError) -> OperationOutcome {
    let options = try samplingOptions(golden.parameters, requiring: ["repetition_penalty"])
    return try changedRows { row, ids in
      penalizeRepetition(of: ids, by: options.repetitionPenalty, in: &row)
    }
  }

  func ngramBlock() throws(VerificationError) -> OperationOutcome {
    let options = try samplingOptions(golden.parameters, requiring: ["no_repeat_ngram_size"])
    return try changedRows { row, ids in
      for id in blockedTokens(after: ids, ngramSize: options.noRepeatNgramSize) {
        row[id] = -.infinity
      }
    }
  }

  func temperatureScaling() throws(VerificationError) -> OperationOutcome {
    let options = try samplingOptions(golden.parameters, requiring: ["temperature"])
    try requireDrawing(options)
    return try changedRows { row, _ in divide(&row, byTemperature: options.temperature) }
  }

  func topKFilter() throws(VerificationError) -> OperationOutcome {
    let options = try samplingOptions(golden.parameters, requiring: ["top_k"])
    return try changedRows { row, _ in keepLargest(options.topK, of: &row) }
  }

  func topPFilter() throws(VerificationError) -> OperationOutcome {
    let options = try samplingOptions(golden.parameters, requiring: ["top_p"])
    let largest = try logitRows().compactMap { $0.logits.max() }
    try requireAll(largest, of: "logits", "finite where a row is largest", \.isFinite)
    return try changedRows { row, _ in keepNucleus(of: options.topP, in: &row) }
  }

  func samplingProbabilities() throws(VerificationError) -> OperationOutcome {
    let options = try samplingOptions(golden.parameters, requiring: Self.drawingFields)
    try requireDrawing(options)
    return try changedRows(output: "probabilities") { row, ids in
      row = options.probabilities(ofPenalized: options.penalized(row, after: ids))
    }
  }

  func sample() throws(VerificationError) -> OperationOutcome {
    let options = try samplingOptions(
      golden.parameters, requiring: Self.drawingFields + ["seed"])
    let rows = try logitRows()
    let steps = try integers("step", rank: 1)
    try require(steps.shape == [rows.count], "step", "[\(rows.count)]", "\(steps.shape)")
    try requireAll(steps.values, of: "step", "0 or more") { $0 >= 0 }
    let next = zip(rows, steps.values).map { row, step in
      Int64(options.choice(of: row.logits, after: row.ids, step: step))
    }
    return .tensors(["next": GoldenTensor(next, shape: [next.count])])
  }

  func randomUniform() throws(VerificationError) -> OperationOutcome {
    let seeds = try integers("seed", rank: 1)
    let steps = try integers("step", rank: 1)
    try require(seeds.shape == steps.shape, "step", "\(seeds.shape), as 'seed'", "\(steps.shape)")
    let u = zip(seeds.values, steps.values).map { seed, step in
      uniformNumber(
        seed: UInt64(truncatingIfNeeded: seed), step: UInt64(truncatingIfNeeded: step))
    }
    return .tensors(["u": GoldenTensor(u, shape: [u.count])])
  }

  func inverseOfDistribution() throws(VerificationError) -> OperationOutcome {
    let rows = try rows("probabilities")
    let numbers = try floats("u", rank: 1)
    try require(numbers.shape == [rows.count], "u", "[\(rows.count)]", "\(numbers.shape)")
    try requireAll(rows.joined(), of: "probabilities", "0 to 1") { (0...1).contains($0) }
    try requireAll(
      rows.map { $0.max() ?? 0 }, of: "probabilities", "above 0 where a row is largest"
    ) { $0 > 0 }
    try requireAll(numbers.values, of: "u", "0 to below 1") { (0..<1).contains($0) }
    let next = zip(rows, numbers.values).map { Int64(inverseCDF(of: $0, at: $1)) }
    return .tensors(["next": GoldenTensor(next, shape: [next.count])])
  }

  // MARK: Settings

  private static let drawingFields = [
    "temperature", "top_k", "top_p", "repetition_penalty", "no_repeat_ngram_size",
  ]

  /// Settings of the sampling of a case.
  ///
  /// - Parameters:
  ///   - object: Holds them by the names of the command line's options, with `_` for `-`.
  ///   - fields: What it has to hold; the others are what `GenerationOptions` begins with.
  func samplingOptions(
    _ object: JSONValue, requiring fields: [String] = []
  ) throws(VerificationError) -> GenerationOptions {
    let options = try parameters { _ throws(JSONError) in
      for field in fields { _ = try object.required(field) }
      let counts = 0...Int(Int32.max)
      var options = GenerationOptions()
      if let value = try object.optional("temperature") {
        options.temperature = Float(try value.doubleValue())
      }
      if let value = try object.optional("top_k") {
        options.topK = try value.integerValue(in: counts)
      }
      if let value = try object.optional("top_p") {
        options.topP = Float(try value.doubleValue())
      }
      if let value = try object.optional("repetition_penalty") {
        options.repetitionPenalty = Float(try value.doubleValue())
      }
      if let value = try object.optional("no_repeat_ngram_size") {
        options.noRepeatNgramSize = try value.integerValue(in: counts)
      }
      if let value = try object.optional("seed") {
        options.seed = UInt64(try value.integerValue(in: 0...Int.max))
      }
      return options
    }
    do throws(LlamaError) {
      try options.validate()
    } catch {
      throw .refused(case: golden.id, reason: error.description)
    }
    return options
  }

  private func requireDrawing(_ options: GenerationOptions) throws(VerificationError) {
    if options.temperature == 0 {
      throw .refused(case: golden.id, reason: "temperature is 0, allowed is a number above 0")
    }
  }

  // MARK: Rows

  private func require(
    _ isMet: Bool, _ name: String, _ expected: String, _ actual: String
  ) throws(VerificationError) {
    if isMet { return }
    throw .inputMismatch(case: golden.id, name: name, expected: expected, actual: actual)
  }

  private func requireAll<Element>(
    _ elements: some Sequence<Element>, of name: String, _ expected: String,
    _ isAllowed: (Element) -> Bool
  ) throws(VerificationError) {
    guard let odd = elements.first(where: { !isAllowed($0) }) else { return }
    throw .inputMismatch(
      case: golden.id, name: name, expected: expected, actual: "\(odd) somewhere")
  }

  /// The rows of an input, none of them empty: so their number is bounded by what a file holds.
  private func rows(_ name: String) throws(VerificationError) -> [[Float]] {
    let input = try floats(name, rank: 2)
    let width = input.shape[1]
    try require(width > 0, name, "at least one column", "\(input.shape)")
    return (0..<input.shape[0]).map { Array(input.values[$0 * width..<($0 + 1) * width]) }
  }

  /// Logits without NaN, and ids of their vocabulary; none if the case has no ids.
  private func logitRows() throws(VerificationError) -> [(logits: [Float], ids: [Int])] {
    let logits = try rows("logits")
    let width = logits.first?.count ?? 0
    try requireAll(logits.joined(), of: "logits", "numbers") { !$0.isNaN }
    guard golden.input(named: "ids") != nil else { return logits.map { ($0, []) } }
    let ids = try integers("ids", rank: 2)
    try require(ids.shape[0] == logits.count, "ids", "\(logits.count) rows", "\(ids.shape)")
    try requireAll(ids.values, of: "ids", "0 to below \(width)") { (0..<width).contains($0) }
    let length = ids.shape[1]
    return logits.enumerated().map { row, logits in
      (logits, Array(ids.values[row * length..<(row + 1) * length]))
    }
  }

  private func changedRows(
    output: String = "y", _ change: (_ row: inout [Float], _ ids: [Int]) -> Void
  ) throws(VerificationError) -> OperationOutcome {
    let rows = try logitRows()
    let changed = rows.flatMap { row in
      var logits = row.logits
      change(&logits, row.ids)
      return logits
    }
    return .tensors([
      output: GoldenTensor(changed, shape: [rows.count, rows.first?.logits.count ?? 0])
    ])
  }
}
