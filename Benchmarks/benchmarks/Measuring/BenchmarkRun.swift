import Foundation
import MeteoRAKernels

/// What every benchmark needs: settings, the machine's peak, and where rows go.
struct BenchmarkRun {
  private(set) var parallelism: Parallelism
  let budget: TimeBudget
  let selection: CaseSelection
  let output: Output
  let peak: MachinePeak

  /// Measures peaks, then runs `body`, then measures them again.
  static func begin(_ options: BenchmarkOptions, _ body: (BenchmarkRun) throws -> Void) throws {
    let start = ProcessorUse()
    let output = Output(isJSON: options.isJSON)
    let machine = Machine(threads: options.parallelism.threads)
    if machine.build == "debug" {
      Output.note("this is a debug build, its times say little; use swift run -c release")
    }
    try output.write(machine, as: machine.description)
    // Of the rows' own number of threads first; one and all cores stand beside it.
    let others = try Set([1, machine.cores]).subtracting([machine.threads]).sorted().map {
      try Parallelism(threads: $0)
    }
    let peaks = MachinePeak.measure("before", with: [options.parallelism] + others)
    for peak in peaks { try output.write(peak, as: peak.text) }
    try body(
      BenchmarkRun(
        parallelism: options.parallelism, budget: options.budget, selection: options.selection,
        output: output, peak: peaks[0]))
    let use = ProcessorUse()
    output.writeHeading("")
    for var peak in MachinePeak.measure("after", with: [options.parallelism]) {
      peak.coresOfOthers = start.flatMap { use?.coresOfOthers(since: $0) }
      try output.write(peak, as: peak.text)
      if peak.isDisturbed { Output.note("others used this machine meanwhile: times say little") }
    }
  }

  /// Calls `body` with threads that stay awake, as they do in a forward pass.
  func withTeam(_ body: (BenchmarkRun) throws -> Void) throws {
    try parallelism.withTeam { parallelism in
      var run = self
      run.parallelism = parallelism
      try body(run)
    }
  }

  /// Whether a case was asked for.
  func includes(_ name: String) -> Bool { selection.includes(name) }

  /// Whether some case that begins with `group` was asked for.
  func includesAny(of group: String) -> Bool { selection.includesAny(of: group) }

  /// Times `body`, whose bits were compared before, and writes a row.
  ///
  /// - Parameter body: Writes to memory that was there before: what it allocates counts as extra.
  func measure(
    _ name: String, implementation: String = ResultRow.ours, work: Work,
    _ body: () throws -> Void
  ) throws {
    let extra = try ProcessMemory.extra(body)
    let timing = try Timing(budget, body)
    let row = ResultRow(
      name, implementation: implementation, threads: parallelism.threads, timing: timing,
      work: work, peak: peak, extraBytes: extra, bits: "equal")
    try output.write(row, as: row.text)
  }

  /// Calls `make` so often that what it makes, `byteCount` each, does not stay in any cache while
  /// all of it is used in turn.
  static func coldCopies<Value>(
    byteCount: Int, _ make: () throws -> Value
  ) rethrows -> [Value] {
    let enough = 256 << 20
    return try (0..<max(1, (enough + byteCount - 1) / max(1, byteCount))).map { _ in try make() }
  }
}

enum BenchmarkError: Error, CustomStringConvertible {
  case bitsDiffer(String)
  case textDiffers(String)

  var description: String {
    switch self {
    case .bitsDiffer(let name): "\(name): the bits differ from the definition"
    case .textDiffers(let name): "\(name): streaming gives another text than decoding at once"
    }
  }
}
