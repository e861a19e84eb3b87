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
