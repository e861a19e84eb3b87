import Foundation
import MeteoRAKernels

/// `swift run -c release benchmarks ops [--threads N]`: times operations, after checking their
/// bits.
@main
struct Benchmarks {
  static let usage = """
    usage: benchmarks ops [--threads N]

      ops          products and LoRA-MoE kernels at the sizes of a 7B model
      --threads N  threads of a kernel (1)
    """

  static func main() {
    var arguments = Array(CommandLine.arguments.dropFirst())
    var threads = 1
    if let option = arguments.firstIndex(of: "--threads"), option + 1 < arguments.count,
      let count = Int(arguments[option + 1])
    {
      threads = count
      arguments.removeSubrange(option...option + 1)
    }
    guard arguments == ["ops"] else {
      FileHandle.standardError.write(Data((usage + "\n").utf8))
      exit(64)
    }
    do {
      let parallelism = try Parallelism(threads: threads)
      printMachine(threads: threads)
      try ProductBenchmark(parallelism: parallelism).run()
      try LoRABenchmark(parallelism: parallelism).run()
    } catch {
      FileHandle.standardError.write(Data("benchmarks: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func printMachine(threads: Int) {
    #if DEBUG
      let build = "debug"
    #else
      let build = "release"
    #endif
    let system = ProcessInfo.processInfo.operatingSystemVersionString
    print("\(system), \(build) build, \(threads) thread(s)")
  }
}

/// Wall-clock times of repeated runs.
struct Timing {
  private var seconds: [Double] = []

  /// Runs `body` once to warm up, then until it took half a second, three times at least.
  init(_ body: () throws -> Void) rethrows {
    try body()
    let clock = ContinuousClock()
    while seconds.count < 3 || seconds.reduce(0, +) < 0.5 {
      let duration = try clock.measure(body)
      seconds.append(duration / .seconds(1))
    }
    seconds.sort()
  }

  /// The median.
  var median: Double { seconds[seconds.count / 2] }

  /// Half the distance between the quartiles.
  var spread: Double { (seconds[seconds.count * 3 / 4] - seconds[seconds.count / 4]) / 2 }

  var description: String {
    String(format: "%9.3f ± %.3f ms", median * 1e3, spread * 1e3)
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

  var description: String {
    switch self {
    case .bitsDiffer(let name): "\(name): the bits differ from the definition"
    }
  }
}
