import Foundation
import MeteoRAKernels

/// The routed update of a 4096 → 4096 layer with 28 adapters of rank 8, two a token.
struct LoRABenchmark {
  let parallelism: Parallelism

  private static let (size, adapters, rank, topK) = (4096, 28, 8, 2)

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
    print(
      "\nLoRA-MoE update, \(size) → \(size), \(Self.adapters) adapters, rank \(Self.rank), "
        + "top \(Self.topK)\nkernel   tokens      median ms        GFLOP/s  bits")
    for tokens in [1, 16, 256, 1024] {
      let x = pseudoRandom(tokens * size, seed: 3)
      let routing = try Routing(
        logits: pseudoRandom(tokens * Self.adapters, seed: 4), tokens: tokens,
        adapterCount: Self.adapters, topK: Self.topK, temperature: 1)
      var expected: [Float]?
      for kernel in LoRAMoEKernel.allCases {
        var y = [Float](repeating: 0, count: tokens * size)
        let delta = try kernel.addDelta(
          x, routing: routing, bank: bank, to: &y, parallelism: parallelism)
        guard expected == nil || expected == delta else {
          throw BenchmarkError.bitsDiffer("\(kernel.rawValue) kernel")
        }
        expected = delta
        let timing = try Timing {
          try kernel.addDelta(x, routing: routing, bank: bank, to: &y, parallelism: parallelism)
        }
        let flops = 4 * Double(tokens * Self.topK * Self.rank * size)
        let name = kernel.rawValue.padding(toLength: 9, withPad: " ", startingAt: 0)
        print(
          name + String(format: "%6d  ", tokens) + timing.description
            + String(format: "%9.1f  equal", flops / timing.median / 1e9))
      }
    }
  }
}
