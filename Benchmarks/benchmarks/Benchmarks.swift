import Foundation
import MeteoRAKernels

/// `swift run -c release benchmarks ops|tokenizers`: times operations, after checking their
/// results.
@main
struct Benchmarks {
  static func main() {
    let options: BenchmarkOptions
    do throws(UsageError) {
      options = try BenchmarkOptions(Array(CommandLine.arguments.dropFirst()))
    } catch {
      printToStandardError("benchmarks: \(error)\n\(BenchmarkOptions.help)")
      exit(64)
    }
    if options.wantsHelp {
      print(BenchmarkOptions.help)
      return
    }
    do {
      try run(options)
    } catch {
      printToStandardError("benchmarks: \(error)")
      exit(1)
    }
  }

  private static func run(_ options: BenchmarkOptions) throws {
    let machine = Machine(threads: options.parallelism.threads)
    if machine.build == "debug" {
      printToStandardError(
        "benchmarks: this is a debug build, its times say little; use swift run -c release")
    }
    let output = Output(isJSON: options.isJSON)
    try output.write(machine, as: machine.description)
    switch options.subject {
    case .ops:
      try ProductBenchmark(parallelism: options.parallelism, output: output).run()
      try LoRABenchmark(parallelism: options.parallelism, output: output).run()
    case .tokenizers:
      try TokenizerBenchmark(options, output: output).run()
    }
  }

  private static func printToStandardError(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }
}

/// Values of ordinary size that cost nothing to make again.
func pseudoRandom(_ count: Int, seed: UInt64) -> [Float] {
  var state = seed
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int32(truncatingIfNeeded: state >> 33)) / Float(1 << 31) - 0.5
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
