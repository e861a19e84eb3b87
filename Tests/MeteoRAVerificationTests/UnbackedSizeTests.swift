import MeteoRAVerification
import Testing

/// Tensors without elements may have any other dimension: a few bytes of a pack claim sizes that no
/// memory holds.
@Suite("Sizes that no element of a pack backs")
struct UnbackedSizeTests {
  private static let many = Int(Int32.max)

  /// The report of a case.
  private func report(
    _ operation: String, parameters: String = "{}", inputs: [(String, [Int], SmallPack.Values)],
    outputs: [(String, [Int], SmallPack.Values)]
  ) throws -> CaseReport {
    let pack = try SmallPack()
    pack.tensors = []
    pack.set("operation", "\"\(operation)\"")
    pack.set("parameters", parameters)
    for (member, tensors) in [("inputs", inputs), ("outputs", outputs)] {
      let references = tensors.map { name, shape, values in
        let dtype = if case .int64 = values { "I64" } else { "F32" }
        pack.set(name, shape, values)
        return SmallPack.reference(name, dtype, shape)
      }
      pack.set(member, "{\(references.joined(separator: ","))}")
    }
    return try pack.run()
  }

  @Test("it visits no rows of RMSNorm without elements")
  func normsNothing() throws {
    let report = try report(
      "rms_norm", parameters: #"{"eps":1}"#,
      inputs: [("x", [Self.many, 0], .float32([])), ("weight", [0], .float32([]))],
      outputs: [("y", [Self.many, 0], .float32([]))])
    #expect(report.verdict == .passed)
  }

  @Test("it visits no rows of softmax without elements")
  func weighsNothing() throws {
    let report = try report(
      "softmax", inputs: [("x", [Self.many, 0], .float32([]))],
      outputs: [("y", [Self.many, 0], .float32([]))])
    #expect(report.verdict == .passed)
  }

  @Test("it refuses a merge whose rows no element backs")
  func mergesNothing() throws {
    let report = try report(
      "merge", parameters: #"{"lora_alpha":1,"use_rslora":false}"#,
      inputs: [
        ("weight", [Self.many, 0], .float32([])), ("A", [0, 0], .float32([])),
        ("B", [Self.many, 0], .float32([])),
      ],
      outputs: [("merged", [Self.many, 0], .float32([]))])
    // Of any other rank the rows of B would have elements.
    guard case .notRun(.refused) = report.verdict else {
      Issue.record("\(report)")
      return
    }
  }

  @Test("it makes no product larger than the case expects")
  func refusesProduct() throws {
    let report = try report(
      "linear",
      inputs: [("x", [Self.many, 0], .float32([])), ("weight", [2, 0], .float32([]))],
      outputs: [("y", [1, 2], .float32([0, 0]))])
    #expect(
      report.verdict
        == .notRun(
          .outputTooLarge(case: "area/case", name: "y", shape: [Self.many, 2], expected: [1, 2])))
    #expect(
      report.description.contains(
        "not run, since the output 'y' would be of shape [2147483647, 2], the case expects [1, 2]"))
  }

  @Test("it makes no product that the case does not expect")
  func refusesUnexpectedProduct() throws {
    let report = try report(
      "linear",
      inputs: [("x", [Self.many, 0], .float32([])), ("weight", [2, 0], .float32([]))],
      outputs: [("z", [1], .float32([0]))])
    #expect(
      report.verdict
        == .notRun(
          .outputTooLarge(case: "area/case", name: "y", shape: [Self.many, 2], expected: nil)))
    #expect(report.description.contains("the case expects none"))
  }

  @Test("it sums no more vectors without elements than the case expects")
  func refusesSums() throws {
    let report = try report(
      "dot",
      inputs: [("a", [Self.many, 0], .float32([])), ("b", [Self.many, 0], .float32([]))],
      outputs: [("y", [2], .float32([0, 0]))])
    #expect(
      report.verdict
        == .notRun(
          .outputTooLarge(case: "area/case", name: "y", shape: [Self.many], expected: [2])))
  }

  @Test("it makes no gate logits for tokens without elements")
  func refusesGateLogits() throws {
    let report = try report(
      "lora_moe_gated",
      parameters:
        #"{"adapters":1,"lora_alpha":[1],"use_rslora":[false],"top_k":1,"temperature":1}"#,
      inputs: [
        ("x", [Self.many, 0], .float32([])), ("gate", [1, 0], .float32([])),
        ("base", [1, 1], .float32([0])),
      ], outputs: [("y", [1, 1], .float32([0]))])
    #expect(
      report.verdict
        == .notRun(
          .outputTooLarge(
            case: "area/case", name: "gate_logits", shape: [Self.many, 1], expected: nil)))
  }

  @Test("it makes no tables of angles for rows without heads")
  func refusesTables() throws {
    let report = try report(
      "rope", parameters: #"{"head_dim":65536,"rope_theta":10000}"#,
      inputs: [
        ("x", [64, 0, 65536], .float32([])),
        ("positions", [64], .int64([Int64](repeating: .max, count: 64))),
      ], outputs: [("y", [64, 0, 65536], .float32([]))])
    #expect(
      report.verdict
        == .notRun(
          .outputTooLarge(case: "area/case", name: "cos", shape: [64, 32768], expected: nil)))
  }

  @Test("it computes no frequencies of a head that no model has", arguments: [65538, 1 << 30])
  func refusesHead(dimension: Int) throws {
    let report = try report(
      "rope_frequencies", parameters: #"{"head_dim":\#(dimension),"rope_theta":10000}"#,
      inputs: [], outputs: [("inv_freq", [1], .float32([1]))])
    #expect(
      report.verdict
        == .notRun(
          .refused(
            case: "area/case", reason: "head_dim is \(dimension), allowed is even, in 2...65536")))
  }

  @Test("it chooses nothing for tokens without adapters")
  func refusesEmptyRouting() throws {
    let report = try report(
      "routing", parameters: #"{"top_k":1,"temperature":1}"#,
      inputs: [("logits", [Self.many, 0], .float32([]))],
      outputs: [("selected", [Self.many, 0], .int64([]))])
    #expect(
      report.verdict
        == .notRun(
          .refused(
            case: "area/case", reason: "adapter count is 0, allowed is 1...2147483647")))
  }

  @Test("it refuses an adapter of rank 0")
  func refusesRank() throws {
    let report = try report(
      "lora_moe", parameters: #"{"adapters":1,"lora_alpha":[1],"use_rslora":[false]}"#,
      inputs: [
        ("x", [1, 1], .float32([0])), ("base", [1, 1], .float32([0])),
        ("selected", [1, 1], .int64([0])), ("weights", [1, 1], .float32([1])),
        ("A.0", [0, 1], .float32([])), ("B.0", [1, 0], .float32([])),
      ], outputs: [("y", [1, 1], .float32([0]))])
    #expect(
      report.verdict
        == .notRun(.refused(case: "area/case", reason: "rank of lora_A is 0, allowed is 1 or more"))
    )
  }

  @Test("it traces no more tokens than an output has rows")
  func refusesLongTrace() throws {
    let report = try report(
      "trace", parameters: #"{"model":"none","mode":"plain"}"#,
      inputs: [("ids", [5], .int64([1, 2, 3, 4, 5]))],
      outputs: [
        ("logits", [4, 2], .float32([Float](repeating: 0, count: 8))),
        ("final_norm", [9, 0], .float32([])),
      ])
    #expect(
      report.verdict
        == .notRun(
          .inputMismatch(
            case: "area/case", name: "ids", expected: "at most as long as the outputs, 4",
            actual: "5 long")))
  }

  @Test("it runs no more sequences than the output has rows", arguments: [[2, 2], [3, 0], []])
  func refusesManySequences(shape: [Int]) throws {
    let count = shape.reduce(1, *)
    let rows = shape == [2, 2] ? 2 : 0
    let report = try report(
      "last_logits", parameters: #"{"model":"none","mode":"plain","lengths":[1,1,1]}"#,
      inputs: [("ids", [3], .int64([1, 2, 3]))],
      outputs: [("last_logits", shape, .float32([Float](repeating: 0, count: count)))])
    #expect(
      report.verdict
        == .notRun(
          .inputMismatch(
            case: "area/case", name: "ids",
            expected: "of at most \(rows) sequences, as the output", actual: "of 3")))
  }
}
