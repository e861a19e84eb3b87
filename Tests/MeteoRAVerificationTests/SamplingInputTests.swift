import MeteoRAVerification
import Testing

/// Cases of one row of three logits, each with one thing that no step can take.
@Suite("Inputs of the steps from logits to the next id")
struct SamplingInputTests {
  struct Wrong: Sendable, CustomTestStringConvertible {
    let operation: String
    var parameters = "{}"
    var logits: [Float] = [1, 2, 3]
    var ids: [Int64] = [0, 2]
    /// Of `sample`, and of `inverse_cdf`.
    var step: Int64 = 0
    var u: Float = 0.5
    /// Words of the sentence that refuses it.
    let message: String

    var testDescription: String { "\(operation): \(message)" }
  }

  private static let all =
    #""temperature":1,"top_k":0,"top_p":1,"repetition_penalty":1,"no_repeat_ngram_size":0"#

  static let wrong: [Wrong] = [
    Wrong(
      operation: "repetition_penalty", parameters: #"{"repetition_penalty":2}"#,
      logits: [1, .nan, 3], message: "the input 'logits' is nan somewhere, expected numbers"),
    Wrong(
      operation: "repetition_penalty", parameters: #"{"repetition_penalty":2}"#, ids: [0, 3],
      message: "the input 'ids' is 3 somewhere, expected 0 to below 3"),
    Wrong(
      operation: "ngram_block", parameters: #"{"no_repeat_ngram_size":1}"#, ids: [-1, 0],
      message: "the input 'ids' is -1 somewhere, expected 0 to below 3"),
    Wrong(
      operation: "repetition_penalty", parameters: #"{"repetition_penalty":0}"#,
      message: "repetition_penalty is 0.0, allowed is a finite number above 0"),
    Wrong(
      operation: "repetition_penalty", message: "repetition_penalty"),
    Wrong(
      operation: "ngram_block", parameters: #"{"no_repeat_ngram_size":-1}"#,
      message: "no_repeat_ngram_size"),
    Wrong(
      operation: "temperature", parameters: #"{"temperature":0}"#,
      message: "temperature is 0, allowed is a number above 0"),
    Wrong(
      operation: "temperature", parameters: #"{"temperature":-1}"#, message: "temperature is -1.0"),
    Wrong(
      operation: "top_k_filter", parameters: #"{"top_k":1}"#, logits: [.nan, 0, 0],
      message: "the input 'logits' is nan somewhere"),
    Wrong(
      operation: "top_p_filter", parameters: #"{"top_p":0.5}"#, logits: [1, .infinity, 0],
      message: "the input 'logits' is inf somewhere, expected finite where a row is largest"),
    Wrong(
      operation: "top_p_filter", parameters: #"{"top_p":0.5}"#,
      logits: [-.infinity, -.infinity, -.infinity], message: "'logits' is -inf somewhere"),
    Wrong(
      operation: "top_p_filter", parameters: #"{"top_p":1.5}"#,
      message: "top_p is 1.5, allowed is a number above 0 and at most 1"),
    Wrong(
      operation: "sampling_probabilities", parameters: #"{"temperature":1}"#, message: "top_k"),
    Wrong(
      operation: "sample", parameters: "{\(all)}", message: "seed"),
    Wrong(
      operation: "sample", parameters: "{\(all),\"seed\":1}", step: -1,
      message: "the input 'step' is -1 somewhere, expected 0 or more"),
    Wrong(
      operation: "inverse_cdf", logits: [0.5, 0.5, 0], u: 1,
      message: "the input 'u' is 1.0 somewhere, expected 0 to below 1"),
    Wrong(
      operation: "inverse_cdf", logits: [0.5, 0.5, 0], u: .nan, message: "'u' is nan somewhere"),
    Wrong(
      operation: "inverse_cdf", logits: [1, -0.5, 0.5],
      message: "the input 'probabilities' is -0.5 somewhere, expected 0 to 1"),
    Wrong(
      operation: "inverse_cdf", logits: [.nan, 0.5, 0.5], message: "is nan somewhere"),
    Wrong(
      operation: "inverse_cdf", logits: [0, 0, 0],
      message: "the input 'probabilities' is 0.0 somewhere, expected above 0"),
  ]

  private func report(
    _ operation: String, _ parameters: String,
    _ inputs: [(name: String, shape: [Int], values: SmallPack.Values)]
  ) throws -> CaseReport {
    let pack = try SmallPack()
    pack.tensors = []
    pack.set("operation", "\"\(operation)\"")
    pack.set("parameters", parameters)
    var references: [String] = []
    for (name, shape, values) in inputs {
      pack.set(name, shape, values)
      let dtype = if case .int64 = values { "I64" } else { "F32" }
      references.append(SmallPack.reference(name, dtype, shape))
    }
    pack.set("inputs", "{\(references.joined(separator: ","))}")
    pack.set("y", [1, 3], .float32([0, 0, 0]))
    pack.set("outputs", "{\(SmallPack.reference("y", "F32", [1, 3]))}")
    return try pack.run()
  }

  @Test("are refused by name and value", arguments: wrong)
  func refuses(wrong: Wrong) throws {
    let isInverse = wrong.operation == "inverse_cdf"
    let report = try report(
      wrong.operation, wrong.parameters,
      [
        (isInverse ? "probabilities" : "logits", [1, 3], .float32(wrong.logits)),
        ("ids", [1, 2], .int64(wrong.ids)), ("step", [1], .int64([wrong.step])),
        ("u", [1], .float32([wrong.u])),
      ])
    guard case .notRun = report.verdict else {
      Issue.record("\(report)")
      return
    }
    #expect(report.description.contains(wrong.message), "\(report)")
  }

  @Test("of other shapes are refused")
  func refusesShapes() throws {
    let many = Int(Int32.max)
    let parameters = "{\(Self.all),\"seed\":1}"
    let logits = ("logits", [1, 3], SmallPack.Values.float32([1, 2, 3]))
    for (operation, inputs, message) in [
      ("sample", [logits, ("ids", [2, 1], .int64([0, 0]))], "'ids' is [2, 1], expected 1 rows"),
      ("sample", [logits, ("step", [2], .int64([0, 0]))], "'step' is [2], expected [1]"),
      (
        "sample", [("logits", [many, 0], .float32([])), ("step", [1], .int64([0]))],
        "'logits' is [2147483647, 0], expected at least one column"
      ),
      ("inverse_cdf", [("probabilities", [0, 0], .float32([]))], "expected at least one column"),
      (
        "inverse_cdf",
        [("probabilities", [1, 1], .float32([1])), ("u", [2], .float32([0, 0]))],
        "'u' is [2], expected [1]"
      ),
      (
        "random_uniform", [("seed", [2], .int64([0, 0])), ("step", [1], .int64([0]))],
        "'step' is [1], expected [2], as 'seed'"
      ),
      ("sample", [("step", [1], .int64([0]))], "the input 'logits' is missing"),
    ] as [(String, [(String, [Int], SmallPack.Values)], String)] {
      let report = try report(operation, parameters, inputs.map { ($0.0, $0.1, $0.2) })
      #expect(report.description.contains(message), "\(report)")
    }
  }
}
