import MeteoRA
import MeteoRALlama
import MeteoRASafetensors

// Of a model folder, in mode "plain" or "base" (no adapters), "single" (the one named `adapter`),
// "merged" (the same one, in the weights) or "routed" (among those named `only`, if it is there):
//
// trace, model_distance:  ids [T] → the tensors of a trace (see TracePlan), by their names
// generate, generate_distance:  ids [T]; max_new_tokens, no_repeat_ngram_size, eos_token_id,
//                               finish_reason; of `generate` sampling, if tokens are drawn
//                               → new_ids
// last_logits:  ids [N], of sequences one after the other; lengths → last_logits [sequences, V]

extension CaseRun {
  /// All intermediate values, if the case expects one that a summary leaves out.
  func trace() throws(VerificationError) -> OperationOutcome {
    let inSummary = ["logits", "final_norm", "hidden", "gate_logits", "selected", "weights"]
    let isSummary = golden.outputs.allSatisfy { output in
      let part = output.name.utf8.split(separator: UInt8(ascii: ".")).last
      return part.map { part in inSummary.contains { $0.utf8.elementsEqual(part) } } ?? false
    }
    return .tensors(try tracedTensors(isSummary ? .summary : .everything))
  }

  func summaryTrace() throws(VerificationError) -> OperationOutcome {
    .tensors(try tracedTensors(.summary))
  }

  private func tracedTensors(
    _ detail: TraceDetail
  ) throws(VerificationError) -> [String: GoldenTensor] {
    let ids = try integers("ids", rank: 1).values
    try requireNoMoreTokens(ids.count)
    let model = try model()
    let mode = try mode()
    let trace = try meteora { () throws(MeteoRAError) in
      try model.trace(ids, mode: mode, detail: detail)
    }
    var tensors: [String: GoldenTensor] = [:]
    for tensor in trace {
      switch tensor.values {
      case .float32(let values):
        tensors[tensor.name] = GoldenTensor(values, shape: tensor.shape)
      case .int64(let values):
        tensors[tensor.name] = GoldenTensor(values, shape: tensor.shape)
      }
    }
    return tensors
  }

  /// Throws if a trace would have more rows than any output of the case.
  private func requireNoMoreTokens(_ count: Int) throws(VerificationError) {
    let shapes = golden.outputs.compactMap { $0.tensor?.shape }.filter { !$0.contains(0) }
    let rows = shapes.compactMap(\.first).max() ?? 0
    guard count <= rows else {
      throw .inputMismatch(
        case: golden.id, name: "ids", expected: "at most as long as the outputs, \(rows)",
        actual: "\(count) long")
    }
  }

  func generation() throws(VerificationError) -> OperationOutcome {
    let ids = try integers("ids", rank: 1).values
    let expectedCount = golden.output(named: "new_ids")?.tensor?.shape.first ?? 0
    let sampling = golden.parameters["sampling"]
    let drawing = try sampling.map { object throws(VerificationError) in
      try samplingOptions(object)
    }
    let options = try parameters { parameters throws(JSONError) in
      let limit = 0...Int(Int32.max)
      var options = drawing ?? GenerationOptions()
      // One token more than is expected is as wrong as a million.
      options.maximumNewTokens = min(
        try parameters.required("max_new_tokens").integerValue(in: limit), expectedCount + 1)
      options.noRepeatNgramSize =
        try parameters.required("no_repeat_ngram_size").integerValue(in: limit)
      options.endOfSequence = try parameters.required("eos_token_id").integersValue(in: limit)
      return options
    }
    let model = try model()
    let mode = try mode()
    let results = try meteora { () throws(MeteoRAError) in
      try model.generate([ids], mode: mode, options: options)
    }
    guard let result = results.first else {
      throw .refused(case: golden.id, reason: "the generation of one prompt gave no result")
    }
    let new = result.newTokens.map(Int64.init)
    return .generation(
      ["new_ids": GoldenTensor(new, shape: [new.count])],
      finishReason: result.finishReason.rawValue)
  }

  /// All sequences in one batch, in the passes of a generation.
  func lastLogits() throws(VerificationError) -> OperationOutcome {
    let ids = try integers("ids", rank: 1).values
    let lengths = try parameters { parameters throws(JSONError) in
      let list = try parameters.required("lengths")
      let lengths = try list.integersValue(in: 1...Int(Int32.max))
      guard !lengths.isEmpty, lengths.reduce(0, +) == ids.count else {
        throw list.mismatch(
          expected: "at least one length, and a sum of \(ids.count), the number of ids")
      }
      return lengths
    }
    try requireNoMoreSequences(lengths.count)
    var sequences: [[Int]] = []
    var first = 0
    for length in lengths {
      sequences.append(Array(ids[first..<first + length]))
      first += length
    }
    let model = try model()
    let mode = try mode()
    let logits = try meteora { () throws(MeteoRAError) in
      try model.lastLogits(of: sequences, mode: mode)
    }
    let width = logits.count / max(sequences.count, 1)
    return .tensors(["last_logits": GoldenTensor(logits, shape: [sequences.count, width])])
  }

  /// Throws if a batch has more sequences than the output has rows, of which those without elements
  /// count for nothing: no byte of the pack stands for them. The model bounds the tokens of each.
  private func requireNoMoreSequences(_ count: Int) throws(VerificationError) {
    let shape = golden.output(named: "last_logits")?.tensor?.shape ?? []
    let rows = shape.contains(0) ? 0 : shape.first ?? 0
    guard count <= rows else {
      throw .inputMismatch(
        case: golden.id, name: "ids", expected: "of at most \(rows) sequences, as the output",
        actual: "of \(count)")
    }
  }

  func model() throws(VerificationError) -> MeteoRAModel {
    let model = try models.model(for: golden)
      .with(kernel: execution.kernel, parallelism: parallelism)
    let merged = try parameters { parameters throws(JSONError) in
      try parameters.required("mode").equals("merged")
        ? parameters.required("adapter").stringValue() : nil
    }
    guard let merged else { return model }
    return try meteora { () throws(MeteoRAError) in try model.merging(merged) }
  }

  func mode() throws(VerificationError) -> MeteoRAModel.Mode {
    try parameters { parameters throws(JSONError) in
      let mode = try parameters.required("mode")
      if ["plain", "base", "merged"].contains(where: mode.equals) { return .noAdapters }
      if mode.equals("routed") {
        guard let only = try parameters.optional("only") else { return .routed }
        var names: [String] = []
        for name in try only.elementsValue() { names.append(try name.stringValue()) }
        return .routedAmong(.only(names))
      }
      guard mode.equals("single") else {
        throw mode.mismatch(expected: "'plain', 'base', 'single', 'merged' or 'routed'")
      }
      return .singleAdapter(try parameters.required("adapter").stringValue())
    }
  }

  /// Runs code of a model, and names the case in what it throws.
  func meteora<Value>(
    _ body: () throws(MeteoRAError) -> Value
  ) throws(VerificationError) -> Value {
    do throws(MeteoRAError) {
      return try body()
    } catch {
      throw .refused(case: golden.id, reason: error.description)
    }
  }
}
