import Foundation
import MeteoRA
import MeteoRAMath

/// Opens one model and times it, in a process that did nothing else before: so are the opening time
/// and the peak of the memory its own.
///
/// Rows have no roofline yet; the process that started this one knows the machine's peak.
struct ModelMeasurement {
  private let modelCase: ModelCase
  private let options: BenchmarkOptions
  private let output = Output(isJSON: true)

  init(named name: String, _ options: BenchmarkOptions) throws {
    guard let modelCase = ModelCase.all.first(where: { $0.name == name }) else {
      throw ModelFolderError.noSuchCase(name)
    }
    self.modelCase = modelCase
    self.options = options
  }

  func run() throws {
    let started = options.started ?? MonotonicTime.nanoseconds
    let model = try MeteoRAModel(
      files: ModelFolder(modelCase: modelCase).files, parallelism: options.parallelism)
    let opened = MonotonicTime.seconds(since: started)
    let openedMemory = ProcessMemory.peak
    _ = try generation(of: ModelCase.firstPrompt, with: model, newTokens: 1).step()
    let firstToken = MonotonicTime.seconds(since: started)
    // These two happen once in a process.
    try write("open", Timing(samples: [opened]), memory: openedMemory)
    try write("first_token", Timing(samples: [firstToken]), memory: ProcessMemory.peak)

    if includesRates {
      try requireRightBits(model)
      for tokens in ModelCase.prompts where includes("prompt\(tokens)") {
        let timing = try Timing(options.budget) {
          _ = try generation(of: tokens, with: model, newTokens: 1).step()
        }
        try write("prompt\(tokens)", timing, memory: ProcessMemory.peak, bits: "equal")
      }
      if includes("decode") { try measureDecoding(model) }
    }
  }

  private var includesRates: Bool {
    includes("decode") || ModelCase.prompts.contains { includes("prompt\($0)") }
  }

  private func includes(_ row: String) -> Bool {
    options.selection.includes(modelCase.group + row)
  }

  private func generation(
    of tokens: Int, with model: MeteoRAModel, newTokens: Int
  ) throws -> MeteoRAGeneration {
    var options = GenerationOptions()
    (options.maximumNewTokens, options.endOfSequence) = (newTokens, [])
    return try model.generation(of: [Self.prompt(tokens)], options: options)
  }

  static func prompt(_ tokens: Int) -> [Int] {
    (0..<tokens).map { ($0 &* 7919 &+ 13) % 32000 }
  }

  /// The time of single tokens, from an empty sequence to ``ModelCase/decoded``.
  private func measureDecoding(_ model: MeteoRAModel) throws {
    var samples: [Double] = []
    repeat {
      let generation = try generation(of: 1, with: model, newTokens: ModelCase.decoded + 1)
      _ = try generation.step()
      for _ in 0..<ModelCase.decoded {
        samples.append(try Timing.seconds { _ = try generation.step() })
      }
    } while samples.reduce(0, +) < options.budget.seconds
    try write("decode", Timing(samples: samples), memory: ProcessMemory.peak, bits: "equal")
  }

  /// Throws unless two sequences together have the bits of each alone, by the kernel that is timed
  /// and by the loop.
  private func requireRightBits(_ model: MeteoRAModel) throws {
    let sequences = [Self.prompt(16), Self.prompt(5)]
    let together = try model.lastLogits(of: sequences)
    let definition = model.with(kernel: .loop)
    let alone = try sequences.flatMap { try definition.lastLogits(of: [$0]) }
    if BitEquality.firstDifference(together, alone) != nil {
      throw BenchmarkError.bitsDiffer(modelCase.name)
    }
  }

  private func write(
    _ row: String, _ timing: Timing, memory: Int?, bits: String? = nil
  ) throws {
    guard includes(row) else { return }
    var result = ResultRow(
      modelCase.group + row, threads: options.parallelism.threads, timing: timing, bits: bits)
    result.peakMegabytes = memory.map { Double($0) / 1e6 }
    try output.write(result, as: "")
  }
}

/// A clock that all processes of a machine share.
enum MonotonicTime {
  static var nanoseconds: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  static func seconds(since start: UInt64) -> Double {
    Double(nanoseconds - start) / 1e9
  }
}
