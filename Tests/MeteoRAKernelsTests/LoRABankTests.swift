import MeteoRAKernels
import Testing

@Suite("Adapters of a layer")
struct LoRABankTests {
  @Test("it rounds alpha over rank once")
  func scales() {
    func scaling(_ alpha: Double, _ rank: Int, stabilised: Bool) -> UInt32 {
      LoRAAdapter.scaling(alpha: alpha, rank: rank, usesRankStabilization: stabilised).bitPattern
    }
    #expect(scaling(16, 8, stabilised: false) == Float(2).bitPattern)
    #expect(scaling(16, 16, stabilised: true) == Float(4).bitPattern)
    // Rounding alpha first gives other bits, …
    #expect(scaling(5.3, 3, stabilised: false) == Float(5.3 / 3.0 as Double).bitPattern)
    #expect(scaling(5.3, 3, stabilised: false) != (Float(5.3) / 3).bitPattern)
    // … as does rounding the root.
    #expect(scaling(1.5, 3, stabilised: true) == 0x3f5d_b3d7)
  }

  @Test("it refuses B that does not fit A")
  func refusesB() throws {
    let a = try SeededRandom.matrix(2, 4).0
    let b = try SeededRandom.matrix(5, 3).0
    #expect(
      throws: KernelError.dimensionMismatch(
        argument: "columns of lora_B", expected: 2, actual: 3)
    ) {
      try LoRAAdapter(a: a, b: b, scaling: 1)
    }
  }

  @Test("it refuses an adapter of rank 0")
  func refusesRank() throws {
    let a = try WeightMatrix([], outFeatures: 0, inFeatures: 4)
    let b = try WeightMatrix([], outFeatures: 5, inFeatures: 0)
    #expect(
      throws: KernelError.outOfRange(
        argument: "rank of lora_A", actual: "0", allowed: "1 or more")
    ) {
      try LoRAAdapter(a: a, b: b, scaling: 1)
    }
  }

  @Test("it refuses a scaling", arguments: [.nan, .infinity, -.infinity] as [Float])
  func refusesScaling(scaling: Float) throws {
    let a = try SeededRandom.matrix(2, 4).0
    let b = try SeededRandom.matrix(5, 2).0
    #expect(
      throws: KernelError.outOfRange(
        argument: "scaling", actual: "\(scaling)", allowed: "finite")
    ) {
      try LoRAAdapter(a: a, b: b, scaling: scaling)
    }
  }

  @Test(
    "it gives no finite scaling for a rank of 0 or an alpha beyond binary32",
    arguments: [(16, 0), (0, 0), (1e39, 1), (-1e300, 8), (.nan, 8), (.infinity, 8)]
      as [(Double, Int)], [false, true])
  func scalesToNothingFinite(setting: (alpha: Double, rank: Int), stabilised: Bool) {
    let scaling = LoRAAdapter.scaling(
      alpha: setting.alpha, rank: setting.rank, usesRankStabilization: stabilised)
    #expect(!scaling.isFinite)
  }

  @Test(
    "it refuses a layer that cannot be",
    arguments: [(-1, 4), (4, -1), (.max, 1), (0, .max)] as [(Int, Int)])
  func refusesLayer(outFeatures: Int, inFeatures: Int) {
    #expect(
      throws: KernelError.invalidDimension(
        argument: "layer", shape: [outFeatures, inFeatures], maximum: 1 << 31)
    ) {
      try LoRABank(adapters: [nil], outFeatures: outFeatures, inFeatures: inFeatures)
    }
  }

  @Test("it refuses an adapter for another input")
  func refusesInFeatures() throws {
    let adapter = try LoRAAdapter(
      a: SeededRandom.matrix(2, 4).0, b: SeededRandom.matrix(5, 2).0, scaling: 1)
    #expect(
      throws: KernelError.dimensionMismatch(
        argument: "columns of lora_A of adapter 1", expected: 3, actual: 4)
    ) {
      try LoRABank(adapters: [nil, adapter], outFeatures: 5, inFeatures: 3)
    }
  }

  @Test("it refuses an adapter for another output")
  func refusesOutFeatures() throws {
    let adapter = try LoRAAdapter(
      a: SeededRandom.matrix(2, 4).0, b: SeededRandom.matrix(5, 2).0, scaling: 1)
    #expect(
      throws: KernelError.dimensionMismatch(
        argument: "rows of lora_B of adapter 0", expected: 6, actual: 5)
    ) {
      try LoRABank(adapters: [adapter, nil], outFeatures: 6, inFeatures: 4)
    }
  }
}
