import Foundation
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("The log of training")
struct TrainingLogTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  private func lines(_ file: URL) throws -> [String] {
    try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  @Test("takes back what is behind the checkpoint, and half a line")
  func goesOn() throws {
    let kept = #"{"step":1,"loss":2.5}"# + "\n" + #"{"step":2,"loss":2}"# + "\n"
    let file = try folder.write(
      kept + #"{"step":3,"loss":1}"# + "\n" + #"{"step":2,"eval_loss":1}"# + "\n" + #"{"st"#,
      to: "log.jsonl")
    let log = try TrainingLog(file, keepingUpTo: 2)
    try log.write(.object([("step", .integer(3)), ("loss", .float(0.5))]))
    #expect(
      try String(contentsOf: file, encoding: .utf8) == kept + #"{"step":3,"loss":0.5}"# + "\n")
  }

  @Test("of a new run is empty, whatever was there")
  func begins() throws {
    let file = try folder.write(#"{"step":1}"# + "\n", to: "log.jsonl")
    _ = try TrainingLog(file, keepingUpTo: 0)
    #expect(try lines(file) == [])
  }

  @Test("has losses, and the accuracy of gates in all and by module")
  func records() throws {
    let file = folder.url.appendingPathComponent("log.jsonl")
    let log = try TrainingLog(file, keepingUpTo: 0)
    var routing = RoutingCounts(layers: 2)
    var count = RoutingCounts.ModuleCount()
    count.prompts.labelled = 4
    count.prompts.right = 3
    routing.add(count, layer: 1, module: .value)
    let losses = Losses(language: 0.5, gate: 0.25, total: 1)
    try log.write(
      TrainingReport(
        step: 1, losses: losses, norm: 2, learningRate: 0.125, routing: routing, tokens: 6,
        seconds: 0.5), epoch: 0.75)
    try log.write(HeldOutReport(step: 1, losses: losses, routing: routing, isBest: true))
    try log.write(
      TrainingReport(
        step: 2, losses: losses, norm: 2, learningRate: 0.125, routing: RoutingCounts(layers: 2),
        tokens: 6, seconds: 0.5), epoch: 1.5)
    #expect(
      try lines(file) == [
        #"{"step":1,"epoch":0.75,"loss":1.0,"lm_loss":0.5,"gate_loss":0.25,"gate_accuracy":0.75,"#
          + #""gate_accuracy_prompt":0.75,"gate_accuracy_response":null,"learning_rate":0.125,"#
          + #""grad_norm":2.0,"tokens":6,"seconds":0.5,"tokens_per_second":12.0}"#,
        #"{"step":1,"eval_loss":1.0,"eval_lm_loss":0.5,"eval_gate_loss":0.25,"#
          + #""eval_gate_accuracy":0.75,"eval_gate_accuracy_prompt":0.75,"#
          + #""eval_gate_accuracy_response":null,"is_best":true,"eval_gate_accuracy_by_module":"#
          + #"{"model.layers.1.self_attn.v_proj":{"prompt":0.75,"response":null}}}"#,
        #"{"step":2,"epoch":1.5,"loss":1.0,"learning_rate":0.125,"grad_norm":2.0,"tokens":6,"#
          + #""seconds":0.5,"tokens_per_second":12.0}"#,
      ])
  }

  @Test("that cannot be written is an error")
  func refuses() throws {
    let file = folder.url.appendingPathComponent("missing/log.jsonl")
    #expect(throws: FileAccessError.self) { _ = try TrainingLog(file, keepingUpTo: 0) }
  }
}
