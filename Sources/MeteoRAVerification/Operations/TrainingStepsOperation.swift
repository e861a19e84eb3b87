import MeteoRA
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATraining

// training_steps:  ids, counts and owners of all tokens; a model, trained, lengths, beta and the
//                  settings of the optimiser → language_losses, gate_losses, losses, norms [steps],
//                  gradient.{tensor}, step{n}.{tensor}

extension CaseRun {
  func trainingSteps() throws(VerificationError) -> OperationOutcome {
    let steps = try trainingBatches()
    let options = try optimiserOptions()
    let beta = try parameters { parameters throws(JSONError) in
      Float(try parameters.optional("beta")?.doubleValue() ?? 0)
    }
    let model = try trainableModel()
    try requireIndices(
      steps.flatMap { $0.flatMap { $0.sequences.flatMap(\.self) } },
      below: model.configuration.vocabularySize, in: "ids")
    try requireIndices(
      steps.flatMap { $0.flatMap { $0.gateLabels.map(\.label) } },
      below: max(model.adapterCount, 1), in: "owners")
    var outputs: [String: GoldenTensor] = [:]
    let memory = TrainingMemory()
    // Changes of weights are judged by where they began.
    for tensor in model.trained.tensors {
      outputs["initial.\(tensor.name)"] = GoldenTensor(tensor.array, shape: tensor.shape)
    }
    var losses: [Losses] = []
    var norms: [Float] = []
    for (index, batches) in steps.enumerated() {
      if index == 0 {
        model.computeGradients(
          of: batches, gateLossWeight: beta, recomputes: false, memory: memory,
          parallelism: parallelism)
        for tensor in model.trained.tensors {
          outputs["gradient.\(tensor.name)"] = GoldenTensor(
            tensor.gradientArray, shape: tensor.shape)
        }
      }
      let outcome = try kernel { () throws(KernelError) in
        try model.makeStep(
          index, batches: batches, gateLossWeight: beta, options: options,
          recomputes: index % 2 == 1, memory: memory, parallelism: parallelism)
      }
      losses.append(outcome.losses)
      norms.append(outcome.norm)
      for tensor in model.trained.tensors {
        outputs["step\(index + 1).\(tensor.name)"] = GoldenTensor(
          tensor.array, shape: tensor.shape)
      }
    }
    outputs["language_losses"] = GoldenTensor(losses.map(\.language), shape: [losses.count])
    outputs["norms"] = GoldenTensor(norms, shape: [norms.count])
    if model.gateCount > 0 {
      outputs["gate_losses"] = GoldenTensor(losses.map(\.gate), shape: [losses.count])
      outputs["losses"] = GoldenTensor(losses.map(\.total), shape: [losses.count])
    }
    // A case of truth names a file, of which every tensor is compared.
    if case .training = golden.check { return .tensors(outputs) }
    return .tensors(outputs.filter { golden.output(named: $0.key) != nil })
  }

  private func optimiserOptions() throws(VerificationError) -> OptimiserOptions {
    OptimiserOptions(
      adamW: try parameters(AdamW.init(of:)),
      schedule: try parameters(LearningRateSchedule.init(of:)),
      maximumNorm: try parameters { parameters throws(JSONError) in
        Float(try parameters.required("max_norm").doubleValue())
      })
  }

  /// The batches of every step.
  private func trainingBatches() throws(VerificationError) -> [[TrainingBatch]] {
    let ids = try integers("ids", rank: 1).values
    let counts = try integers("counts", rank: 1).values
    let owners = golden.input(named: "owners") == nil ? nil : try integers("owners", rank: 1).values
    guard counts.count == ids.count, owners.map({ $0.count == ids.count }) ?? true else {
      throw .inputMismatch(
        case: golden.id, name: "counts", expected: "\(ids.count) long", actual: "\(counts.count)")
    }
    let lengths = try parameters { parameters throws(JSONError) in
      let list = try parameters.required("lengths")
      var steps: [[[Int]]] = []
      for step in try list.elementsValue() {
        var batches: [[Int]] = []
        for batch in try step.elementsValue() {
          batches.append(try batch.integersValue(in: 1...Int(Int32.max)))
        }
        steps.append(batches)
      }
      guard steps.joined().joined().reduce(0, +) == ids.count else {
        throw list.mismatch(expected: "a sum of \(ids.count), the number of ids")
      }
      return steps
    }
    var first = 0
    return lengths.map { step in
      step.map { lengths in
        let start = first
        var batch = TrainingBatch(sequences: [], languageLabels: [], gateLabels: [])
        for length in lengths {
          batch.sequences.append(Array(ids[first..<first + length]))
          for token in first + 1..<max(first + length, first + 1) {
            let row = token - 1 - start
            if counts[token] != 0 {
              batch.languageLabels.append(LabelledRow(row: row, label: ids[token]))
            }
            if let owner = owners?[token], owner >= 0 {
              batch.gateLabels.append(LabelledRow(row: row, label: owner))
            }
          }
          first += length
        }
        return batch
      }
    }
  }

  /// A model of its own: its weights change.
  private func trainableModel() throws(VerificationError) -> TrainableModel {
    let files = try models.files(for: golden)
    let trained = try parameters { parameters throws(JSONError) in
      let value = try parameters.required("trained")
      guard ["gates", "gates_and_adapters", "adapter", "base"].contains(where: value.equals) else {
        throw value.mismatch(expected: "gates, gates_and_adapters, adapter or base")
      }
      return value
    }
    let parts: ModelParts
    do throws(MeteoRAError) {
      parts = try ModelParts(files, parallelism: .serial)
    } catch {
      throw .refused(case: golden.id, reason: error.description)
    }
    if trained.equals("base") { return TrainableModel(trainingAllOf: parts.base) }
    if trained.equals("adapter"), let adapter = parts.adapters.first {
      return try kernel { () throws(KernelError) in
        try TrainableModel(training: adapter, on: parts.base)
      }
    }
    guard let gates = parts.gates else {
      throw .refused(case: golden.id, reason: "the model has no gates to be trained")
    }
    return try kernel { () throws(KernelError) in
      try TrainableModel(
        trainingGatesOf: parts, from: try StartingGates(of: parts, seed: 0, trained: gates),
        trainsAdapters: trained.equals("gates_and_adapters"), router: files.router)
    }
  }
}
