import MeteoRASafetensors
import MeteoRAVerification

extension CaseReport {
  /// The report as one object.
  var json: JSONOutput {
    let word: String
    var findings: [String] = []
    switch verdict {
    case .passed: word = "passed"
    case .notJudged: word = "left out"
    case .notRun(let error): (word, findings) = ("not run", ["\(error)"])
    case .absent: word = "missing"
    case .incomplete(let found): (word, findings) = ("missing", found.map(\.description))
    case .failed(let found): (word, findings) = ("failed", found.map(\.description))
    }
    return .object([
      ("id", .string(id)), ("tier", .string(tier)), ("verdict", .string(word)),
      ("findings", .array(findings.map { .string($0) })),
      ("measurements", .object(measurements.map { ($0.name, .number($0.value)) })),
      ("notes", .array(notes.map { .string($0) })),
    ])
  }
}

extension TruthSummary {
  /// The summary as one object.
  var json: JSONOutput {
    func counts(_ choices: ChoiceCount) -> JSONOutput {
      .object([
        ("total", .integer(choices.total)), ("close", .integer(choices.close)),
        ("differing", .integer(choices.differing)),
      ])
    }
    return .object([
      ("model", .string(model)), ("prompts", .integer(prompts)), ("logits", .integer(logits)),
      ("max_abs", .number(maximumAbsolute)),
      ("max_abs_bound", .number(maximumBound)), ("rms", .number(rms)),
      ("reference_rms", .number(referenceRMS)), ("rms_ratio", .number(ratio)),
      ("largest_rms_ratio", .number(largestRatio)), ("rms_ratio_bound", .number(ratioBound)),
      ("adapter_choices", counts(adapterChoices)), ("token_choices", counts(tokenChoices)),
    ])
  }
}
