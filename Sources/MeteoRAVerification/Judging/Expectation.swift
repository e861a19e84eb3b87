import MeteoRASafetensors

/// What a case expects, read once for all executions, and how results are judged by it.
struct Expectation {
  let golden: GoldenCase
  let operation: GoldenOperation?
  /// The expected tensors by the name of the output.
  let tensors: [String: GoldenTensor]
  /// Of a truth case of training: true gradients and weights, by name.
  let trainedTensors: [String: GoldenTensor]
  /// Why a generation is to end, if the case says.
  let finishReason: String?

  /// - Throws: ``VerificationError`` if a file of the case is damaged or an expected tensor cannot
  ///   be read.
  init(
    of golden: GoldenCase, operation: GoldenOperation?, files: GoldenFiles
  ) throws(VerificationError) {
    self.golden = golden
    self.operation = operation
    try files.requireIntact(golden)
    var tensors: [String: GoldenTensor] = [:]
    for reference in golden.outputs where reference.tensor != nil {
      let stored = try files.tensor(reference, of: golden.id)
      do throws(SafetensorsError) {
        tensors[reference.name] = try GoldenTensor(stored)
      } catch {
        throw .safetensors(case: golden.id, error)
      }
    }
    self.tensors = tensors
    if case .training = golden.check, let reference = golden.output(named: "tensors") {
      trainedTensors = try files.tensors(reference, of: golden.id)
    } else {
      trainedTensors = [:]
    }
    do throws(JSONError) {
      finishReason = try golden.parameters.optional("finish_reason")?.stringValue()
    } catch {
      throw .json(case: golden.id, error)
    }
  }

  /// Judges what an operation made.
  func judge(_ outcome: OperationOutcome) throws(VerificationError) -> Judgement {
    switch outcome {
    case .problems(let sentences):
      return Judgement(findings: sentences.map { Finding(nil, .other($0)) })
    case .tensors(let actual):
      return try judge(actual, finishReason: nil)
    case .generation(let actual, let finishReason):
      return try judge(actual, finishReason: finishReason)
    }
  }

  /// Judges tensors by the name of their output.
  ///
  /// - Parameter actualReason: `nil` if it is not known why a generation ended.
  func judge(
    _ actual: [String: GoldenTensor], finishReason actualReason: String?
  ) throws(VerificationError) -> Judgement {
    var judgement = Judgement()
    switch golden.check {
    case .bits:
      judgeBits(actual, tolerance: 0, &judgement)
      judgeFinish(actualReason, &judgement)
    case .ulp(let tolerance):
      judgeBits(actual, tolerance: tolerance, &judgement)
    case .distance(let maximum, let ratio):
      try judgeDistance(actual, maximumAbsolute: maximum, rmsRatio: ratio, &judgement)
    case .equalUnlessGapBelow(let gap):
      if try judgeGreedy(actual, closeBelow: gap, &judgement) {
        judgeFinish(actualReason, &judgement)
      }
    case .training(let ratio, let updateError):
      try judgeTraining(actual, ratio: ratio, updateError: updateError, &judgement)
    case .words, .loads:
      throw inapplicable
    }
    return judgement
  }

  var inapplicable: VerificationError { golden.inapplicable }

  private func judgeBits(
    _ actual: [String: GoldenTensor], tolerance: UInt64, _ judgement: inout Judgement
  ) {
    for reference in golden.outputs {
      guard let expected = tensors[reference.name] else {
        judgement.add(reference.name, .other("is a file, expected a tensor"))
        continue
      }
      judgement.compare(
        reference.name, actual[reference.name], expected: expected, tolerance: tolerance)
    }
    if golden.outputs.isEmpty { judgement.add(nil, .other("the case expects no output")) }
    guard operation == .trace, listsRouting else { return }
    for name in actual.keys.sorted() where Self.isRouting(name) && tensors[name] == nil {
      judgement.add(name, .unexpected)
    }
  }

  func judgeFinish(_ actual: String?, _ judgement: inout Judgement) {
    guard let actual, let finishReason else { return }
    if !actual.utf8.elementsEqual(finishReason.utf8) {
      judgement.add(nil, .finishReason(actual: actual, expected: finishReason))
    }
  }

  /// Whether the routing entries that are listed are all that there may be: modules that no adapter
  /// has get none, nor do plain models and single adapters. Some routed cases list no routing.
  private var listsRouting: Bool {
    golden.parameters["mode"]?.equals("routed") != true
      || tensors.keys.contains(where: Self.isRouting)
  }

  private static func isRouting(_ name: String) -> Bool {
    let part = name.utf8.split(separator: UInt8(ascii: ".")).last.map(Array.init) ?? []
    return ["gate_logits", "selected", "weights"].contains { part.elementsEqual($0.utf8) }
  }
}
