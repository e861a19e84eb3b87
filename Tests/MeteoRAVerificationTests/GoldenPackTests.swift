import Foundation
import MeteoRAFixtures
import MeteoRAVerification
import Testing

@Suite("The golden pack")
struct GoldenPackTests {
  static let areas = [
    "adapters", "configurations", "distribution", "generation", "kernels", "math", "models",
    "peft", "refusals", "safetensors", "sampling", "sentencepiece", "tiktoken",
    "tokenizer-folders", "tokenizers", "training", "training-truth", "truth",
  ]

  private func verify(_ golden: GoldenCase) throws {
    let report = try #require(PackCases.verification).run(golden)
    #expect(report.verdict == .passed, "\(report)")
    #expect(!report.executions.isEmpty)
  }

  @Test("it can be read")
  func opens() throws {
    let folder = try #require(GoldenPack.directory)
    #expect(try !Verification(pack: folder).manifest.cases.isEmpty)
  }

  @Test("it has cases in every area that is tested here, and in no other")
  func hasAllAreas() {
    #expect(Set(PackCases.all.map(\.area)) == Set(Self.areas))
  }

  @Test("it expects nothing that was made by the code under test")
  func comesFromOracles() {
    #expect(PackCases.all.allSatisfy { $0.origin == .oracle })
  }

  @Test("it names the tier of every case, and explains no flag that no case has")
  func namesTiers() throws {
    #expect(PackCases.all.filter(\.flags.isEmpty).map(\.id) == [])
    let flags = try #require(PackCases.verification).manifest.flags
    #expect(Set(PackCases.all.flatMap(\.flags)) == Set(flags.keys))
  }

  @Test("it has choices that are close, and others that are taken there are not a failure")
  func hasCloseChoices() throws {
    let verification = try #require(PackCases.verification)
    let report = verification.run { $0.area == "truth" && $0.id.hasSuffix("/routed-close") }
    #expect(report.isPassed)
    #expect(report.cases.allSatisfy { $0.adapterChoices.close > 0 })
    #expect(report.truthSummary.count == report.cases.count)
  }

  @Test("its elementary functions are kept", arguments: PackCases.area("math"))
  func math(golden: GoldenCase) throws {
    try verify(golden)
  }

  @Test("its operations are kept", arguments: PackCases.area("kernels"))
  func kernels(golden: GoldenCase) throws {
    try verify(golden)
  }

  @Test("its masks and merged weights are kept", arguments: PackCases.area("adapters"))
  func adapters(golden: GoldenCase) throws {
    try verify(golden)
  }

  @Test("its configurations change what PEFT changes", arguments: PackCases.area("peft"))
  func peft(golden: GoldenCase) throws {
    try verify(golden)
  }

  @Test("its models give the same bits", arguments: PackCases.area("models"))
  func models(golden: GoldenCase) throws {
    try verify(golden)
  }

  @Test("its gradients and trained weights are kept", arguments: PackCases.area("training"))
  func training(golden: GoldenCase) throws {
    try verify(golden)
  }

  @Test(
    "its gradients are as near to the truth as PyTorch's",
    arguments: PackCases.area("training-truth"))
  func trainingTruth(golden: GoldenCase) throws {
    try verify(golden)
  }

  @Test("its prompts get the same answers", arguments: PackCases.area("generation"))
  func generation(golden: GoldenCase) throws {
    try verify(golden)
  }

  @Test("its models are as near to the truth as promised", arguments: PackCases.area("truth"))
  func truth(golden: GoldenCase) throws {
    try verify(golden)
  }

  @Test(
    "its safetensors files are read, refused and written", arguments: PackCases.area("safetensors"))
  func safetensors(golden: GoldenCase) throws {
    try verify(golden)
  }

  @Test(
    "its broken folders are refused by name, its odd ones load",
    arguments: PackCases.area("refusals"))
  func refusals(golden: GoldenCase) throws {
    try verify(golden)
  }

  @Test(
    "its steps from logits to the next id are kept",
    arguments: PackCases.area("sampling") + PackCases.area("distribution"))
  func sampling(golden: GoldenCase) throws {
    try verify(golden)
  }

  @Test(
    "its texts are tokenised",
    arguments: ["tokenizers", "tokenizer-folders", "configurations", "sentencepiece", "tiktoken"]
      .flatMap(PackCases.area)
  )
  func tokenizers(golden: GoldenCase) throws {
    try verify(golden)
  }

  @Test("cases with adapters run in all kernels, with several numbers of threads")
  func runsEverywhere() throws {
    let verification = try #require(PackCases.verification)
    for operation in [
      "lora_moe", "lora_moe_gated", "trace", "generate", "last_logits", "model_distance",
    ] {
      let golden = try #require(
        PackCases.all.first { golden in
          golden.operation == operation
            && (golden.area == "kernels" || golden.flags.contains("routed")
              || golden.id.hasSuffix("/routed"))
        })
      let names = verification.run(golden).executions.map(\.description)
      #expect(
        names == [
          "loop, 1 thread", "loop, 2 threads", "loop, 5 threads", "bmm, 1 thread",
          "bmm, 2 threads", "bmm, 5 threads", "tiled, 1 thread", "tiled, 2 threads",
          "tiled, 5 threads",
        ])
    }
  }
}
