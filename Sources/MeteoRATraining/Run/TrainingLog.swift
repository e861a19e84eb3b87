import Foundation
import MeteoRASafetensors

/// A log of training: a line of JSON for each step or evaluation.
///
/// A run that goes on from a checkpoint takes back the lines behind it, so that every step stands
/// there once.
package final class TrainingLog {
  package let file: URL
  private let descriptor: Int32

  /// - Parameters:
  ///   - file: Is made if it is missing.
  ///   - step: Lines of later steps are removed, and what is behind them.
  /// - Throws: ``FileAccessError``.
  package init(_ file: URL, keepingUpTo step: Int) throws(FileAccessError) {
    self.file = file
    try ReplacementFile.write(try Self.lines(of: file, upTo: step), to: file)
    let path = try FileStatus.path(of: file)
    descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    if descriptor < 0 { throw FileAccessError(code: errno, path: path, operation: "write") }
  }

  deinit {
    close(descriptor)
  }

  /// The first lines that belong to steps up to a given one.
  private static func lines(of file: URL, upTo step: Int) throws(FileAccessError) -> [UInt8] {
    guard step > 0, FileStatus.isThere(file) else { return [] }
    let content = try MappedFile(file)
    var kept: [UInt8] = []
    try content.withUnsafeBytes { bytes throws(FileAccessError) in
      for line in bytes.split(separator: UInt8(ascii: "\n")) {
        let line = Array(line)
        // A killed process may leave half a line at the end.
        guard let root = try? JSONDocument(bytes: line, source: file.path).root,
          let number = root["step"]?.integer, number <= step
        else { return }
        kept += line + [UInt8(ascii: "\n")]
      }
    }
    return kept
  }

  /// Writes a line.
  package func write(_ record: JSONOutput) throws(FileAccessError) {
    let line = record.line + [UInt8(ascii: "\n")]
    var rest = line[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileAccessError(code: errno, path: file.path, operation: "write")
      }
      rest = rest.dropFirst(count)
    }
  }

  package func write(_ report: TrainingReport, epoch: Double) throws(FileAccessError) {
    let speed = report.seconds > 0 ? Double(report.tokens) / report.seconds : 0
    try write(
      .object(
        [("step", .integer(report.step)), ("epoch", .number(epoch))]
          + Self.losses(report.losses, report.routing, prefix: "")
          + [
            ("learning_rate", .number(report.learningRate)), ("grad_norm", .float(report.norm)),
            ("tokens", .integer(report.tokens)), ("seconds", .number(report.seconds)),
            ("tokens_per_second", .number(speed)),
          ]))
  }

  package func write(_ report: HeldOutReport) throws(FileAccessError) {
    try write(
      .object(
        [("step", .integer(report.step))]
          + Self.losses(report.losses, report.routing, prefix: "eval_")
          + [("is_best", .bool(report.isBest))] + Self.modules(report.routing)))
  }

  private static func losses(
    _ losses: Losses, _ routing: RoutingCounts, prefix: String
  ) -> [(key: String, value: JSONOutput)] {
    var fields: [(key: String, value: JSONOutput)] = [("\(prefix)loss", .float(losses.total))]
    let counts = routing.total
    guard counts.all.labelled > 0 else { return fields }
    fields += [
      ("\(prefix)lm_loss", .float(losses.language)), ("\(prefix)gate_loss", .float(losses.gate)),
      ("\(prefix)gate_accuracy", accuracy(counts.all)),
      ("\(prefix)gate_accuracy_prompt", accuracy(counts.prompts)),
      ("\(prefix)gate_accuracy_response", accuracy(counts.responses)),
    ]
    return fields
  }

  /// The accuracy of every gate, prompts and responses apart.
  private static func modules(_ routing: RoutingCounts) -> [(key: String, value: JSONOutput)] {
    let modules = routing.gates.map { path, count in
      (
        key: path,
        value: JSONOutput.object([
          ("prompt", accuracy(count.prompts)), ("response", accuracy(count.responses)),
        ])
      )
    }
    return modules.isEmpty ? [] : [("eval_gate_accuracy_by_module", .object(modules))]
  }

  private static func accuracy(_ count: RoutingCounts.Count) -> JSONOutput {
    count.accuracy.map { .number($0) } ?? .null
  }
}
