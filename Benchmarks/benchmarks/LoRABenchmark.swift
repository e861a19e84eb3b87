import Foundation
import MeteoRAKernels
import MeteoRAMath

/// The routed update of a 4096 → 4096 layer with 28 adapters of rank 8, two a token.
struct LoRABenchmark {
  let parallelism: Parallelism
  let output: Output

  private static let (size, adapters, rank, topK) = (4096, 28, 8, 2)

  private struct Row: Encodable {
    let operation = "lora_moe"
    let kernel: String
    let tokens: Int
    let inFeatures = LoRABenchmark.size
    let outFeatures = LoRABenchmark.size
    let adapters = LoRABenchmark.adapters
    let rank = LoRABenchmark.rank
    let topK = LoRABenchmark.topK
    let medianMs: Double
    let spreadMs: Double
    let gflops: Double
    let timesLoop: Double
    let bits = "equal"

    var text: String {
      kernel.padded(to: 9)
        + String(
          format: "%6d  %9.3f ± %.3f ms %9.1f %7.2f  ", tokens, medianMs, spreadMs, gflops,
          timesLoop) + bits
    }
  }

  func run() throws {
    let size = Self.size
    let bank = try LoRABank(
      adapters: (0..<Self.adapters).map { index in
        let a = pseudoRandom(Self.rank * size, seed: UInt64(index))
        let b = pseudoRandom(size * Self.rank, seed: UInt64(100 + index))
        return try LoRAAdapter(
          a: WeightMatrix(a, outFeatures: Self.rank, inFeatures: size),
          b: WeightMatrix(b, outFeatures: size, inFeatures: Self.rank), scaling: 2)
      }, outFeatures: size, inFeatures: size)
    output.writeHeading(
      "LoRA-MoE update, \(size) → \(size), \(Self.adapters) adapters, rank \(Self.rank), "
        + "top \(Self.topK)\n"
        + "kernel   tokens      median ms        GFLOP/s  × loop  bits")
    for tokens in [1, 16, 256, 1024] {
      let x = pseudoRandom(tokens * size, seed: 3)
      let routing = try Routing(
        logits: pseudoRandom(tokens * Self.adapters, seed: 4), tokens: tokens,
        adapterCount: Self.adapters, topK: Self.topK, temperature: 1)
      // The loop comes first: the definition, and the time that the others are compared with.
      var definition: (delta: [Float], seconds: Double)?
      for kernel in [.loop] + LoRAMoEKernel.allCases.filter({ $0 != .loop }) {
        var y = [Float](repeating: 0, count: tokens * size)
        let delta = try kernel.addDelta(
          x, routing: routing, bank: bank, to: &y, parallelism: parallelism)
        if let definition, BitEquality.firstDifference(delta, definition.delta) != nil {
          throw BenchmarkError.bitsDiffer("\(kernel.rawValue) kernel")
        }
        let timing = try Timing {
          try kernel.addDelta(x, routing: routing, bank: bank, to: &y, parallelism: parallelism)
        }
        let loop = definition ?? (delta, timing.median)
        definition = loop
        let row = Row(
          kernel: kernel.rawValue, tokens: tokens, medianMs: timing.median * 1e3,
          spreadMs: timing.spread * 1e3,
          gflops: timing.billions(4 * Double(tokens * Self.topK * Self.rank * size)),
          timesLoop: loop.seconds / timing.median)
        try output.write(row, as: row.text)
      }
    }
  }
}
