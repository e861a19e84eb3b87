import Foundation
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRA

@Suite("Inspection")
struct InspectionTests {
  @Test("it finds no problem in a model that loads", arguments: ModelCopy.names)
  func findsNoProblem(name: String) throws {
    let folder = try ModelCopy.original(name)
    let inspection = try Inspection(contentsOf: folder)
    #expect(inspection.problems.isEmpty)
    let files = try ModelFiles(folder: folder)
    let base = try LlamaConfiguration(contentsOf: files.base.appendingPathComponent("config.json"))
    for adapter in (try? ModelFiles.adapters(in: folder.appendingPathComponent("adapters"))) ?? [] {
      let inspection = try Inspection(contentsOf: adapter.folder, base: base)
      #expect(inspection.problems.isEmpty)
      let alone = AdapterInspection(folder: adapter.folder)
      #expect(alone.problems.isEmpty)
      #expect(alone.fit == nil)
    }
  }

  /// A way to damage the bundle `mha-tied`, of three adapters of rank 4 or less in two layers.
  enum Damage: String, CaseIterable {
    case baseTensorMissing, baseTensorRenamed, baseTensorTransposed, baseTensorDouble, headDiffers
    case adapterTensorMissing, adapterTensorLeft, adapterRankWrong, adapterWithoutEffect
    case adapterConfigurationMissing, gateMissing, gateOfOtherWidth, gateNotFinite, gateLeft
    case topKTooLarge, nothing

    func apply(to copy: ModelCopy) throws {
      let base = "base/model.safetensors"
      let adapter = "adapters/capitals/adapter_model.safetensors"
      let norm = "model.norm.weight"
      func drop(_ suffix: String) -> (ModelCopy.Tensor) -> [ModelCopy.Tensor] {
        { $0.name.hasSuffix(suffix) ? [] : [$0] }
      }
      func change(
        _ suffix: String, _ body: @escaping (inout ModelCopy.Tensor) -> Void
      ) -> (ModelCopy.Tensor) -> [ModelCopy.Tensor] {
        { tensor in
          var tensor = tensor
          if tensor.name.hasSuffix(suffix) { body(&tensor) }
          return [tensor]
        }
      }
      func twice(_ suffix: String, as name: String) -> (ModelCopy.Tensor) -> [ModelCopy.Tensor] {
        { tensor in
          var second = tensor
          second.name = name
          return tensor.name.hasSuffix(suffix) ? [tensor, second] : [tensor]
        }
      }
      let gate = "layers.1.mlp.up_proj.moe_gate.weight"
      let otherGate = "base_model.model.model.layers.7.mlp.up_proj.moe_gate.weight"
      switch self {
      case .nothing: break
      case .baseTensorMissing: try copy.rewrite(base, drop("layers.1.mlp.up_proj.weight"))
      case .baseTensorRenamed: try copy.rewrite(base, change(norm) { $0.name += "s" })
      case .baseTensorTransposed:
        try copy.rewrite(base, change("layers.0.mlp.up_proj.weight") { $0.shape.reverse() })
      case .baseTensorDouble:
        try copy.rewrite(
          base,
          change(norm) {
            $0.dtype = .f64
            $0.bytes += $0.bytes
          })
      case .headDiffers:
        try copy.rewrite(base) { tensor in
          var head = tensor
          head.name = "lm_head.weight"
          head.bytes[0] ^= 1
          if tensor.name == "lm_head.weight" { return [] }
          return tensor.name == "model.embed_tokens.weight" ? [tensor, head] : [tensor]
        }
      case .adapterTensorMissing:
        try copy.rewrite(adapter, drop("layers.0.mlp.up_proj.lora_B.weight"))
      case .adapterTensorLeft:
        try copy.rewrite(
          adapter, twice("layers.0.mlp.up_proj.lora_B.weight", as: "lm_head.lora_B.weight"))
      case .adapterRankWrong:
        try copy.replace(#""r": "#, by: #""r": 1"#, in: "adapters/capitals/adapter_config.json")
      case .adapterWithoutEffect:
        try copy.replace(
          #""layers_to_transform": null"#, by: #""layers_to_transform": [9]"#,
          in: "adapters/capitals/adapter_config.json")
        try copy.rewrite(adapter) { _ in [] }
      case .adapterConfigurationMissing:
        try FileManager.default.removeItem(at: copy.url("adapters/capitals/adapter_config.json"))
      case .gateMissing: try copy.rewrite("gates.safetensors", drop(gate))
      case .gateOfOtherWidth:
        try copy.rewrite("gates.safetensors", change(gate) { $0.shape.reverse() })
      case .gateNotFinite:
        try copy.rewrite(
          "gates.safetensors",
          change(gate) { tensor in
            // The highest byte of the last element, and the exponent bit below it.
            let last = tensor.bytes.count - 1
            tensor.bytes[last] = 0x7F
            tensor.bytes[last - 1] = 0x80
          })
      case .gateLeft: try copy.rewrite("gates.safetensors", twice(gate, as: otherGate))
      case .topKTooLarge: try copy.replace(#""top_k": 2"#, by: #""top_k": 4"#, in: "meteora.json")
      }
    }
  }

  @Test("it finds what keeps a bundle from being loaded", arguments: Damage.allCases)
  func agreesWithLoader(damage: Damage) throws {
    try ModelCopy.with("mha-tied") { copy in
      try damage.apply(to: copy)
      let problems = BundleInspection(folder: copy.folder).problems
      do throws(MeteoRAError) {
        _ = try MeteoRAModel(contentsOf: copy.folder)
        #expect(problems.isEmpty)
        #expect(damage == .nothing)
      } catch {
        #expect(damage != .nothing)
        #expect(
          problems.contains { "\($0)" == "\(error)" },
          "\(problems), but the loader says \(error)")
      }
    }
  }

  @Test("it finds every problem, not only the first")
  func findsEveryProblem() throws {
    try ModelCopy.with("mha-tied") { copy in
      for damage in [Damage.baseTensorMissing, .adapterTensorMissing, .gateMissing, .topKTooLarge] {
        try damage.apply(to: copy)
      }
      let problems = BundleInspection(folder: copy.folder).problems
      #expect(problems.count == 4)
    }
  }

  @Test("it ends at once, with a problem a file, where a configuration claims 2^28 layers")
  func endlessLayers() throws {
    try ModelCopy.with("mha-tied") { copy in
      let configuration = "base/config.json"
      try copy.replace(
        #""num_hidden_layers": 2"#, by: #""num_hidden_layers": 268435456"#, in: configuration)
      let missing = "no tensor of layers 2 to 268435455 is there"
      let base = ModelInspection(folder: copy.url("base"))
      #expect(base.problems.count == 1)
      #expect("\(base.problems[0])".contains("base: \(missing)"))
      let bundle = try Inspection(contentsOf: copy.folder)
      #expect(bundle.problems.count == 1)
      #expect("\(bundle.problems[0])".contains("base: \(missing)"))
      // An adapter alone is compared with what the configuration claims.
      let adapter = AdapterInspection(
        folder: copy.url("adapters/capitals"), base: base.configuration)
      #expect(adapter.problems.count == 1)
      #expect("\(adapter.problems[0])".contains("adapter_model.safetensors: \(missing)"))
      #expect(adapter.fit?.changedCount == adapter.updates.count)
      let error = try #require(throws: MeteoRAError.self) {
        try MeteoRAModel(contentsOf: copy.folder)
      }
      #expect(error.label == "missing model.layers.2.self_attn.q_proj.weight")
    }
  }

  @Test("it ends soon where a pattern takes long in every module up to the last layer of a file")
  func longPatterns() throws {
    let pattern = "(.|){0,1200}x.*"
    for fields in [
      ["rank_pattern": "{\"\(pattern)\":1}"], ["target_modules": "\"\(pattern)|.*_proj\""],
    ] {
      var bundle = TinyBundle()
      bundle.adapters[0].fields.merge(fields) { $1 }
      bundle.adapters[0].fields["layers_to_transform"] = nil
      bundle.adapters[0].tensors = [
        TinyBundle.key(.query, ModuleTensors.largestLayer, "lora_A"): .init(.f32, [1, 8])
      ]
      let folder = try bundle.folder()
      let adapter = folder.url.appendingPathComponent("adapters/first")
      let base = try LlamaConfiguration(
        contentsOf: folder.url.appendingPathComponent("base/config.json"))
      let error = try #require(AdapterInspection(folder: adapter).problems.first)
      #expect(error.label.hasPrefix("pattern "))
      #expect(error.description.contains(pattern))
      // Two layers are soon looked at.
      #expect(!AdapterInspection(folder: adapter, base: base).problems.isEmpty)
    }
  }

  @Test("it tells the layers of which nothing is there, and nothing else of them")
  func missingLayers() throws {
    try ModelCopy.with("mha-tied") { copy in
      let path = "base/config.json"
      try copy.replace(#""num_hidden_layers": 2"#, by: #""num_hidden_layers": 9"#, in: path)
      try copy.rewrite("base/model.safetensors") { tensor in
        var other = tensor
        other.name = tensor.name.replacingOccurrences(of: "layers.1.", with: "layers.5.")
        return [other]
      }
      let problems = ModelInspection(folder: copy.url("base")).problems
      #expect(
        problems == [1...4, 6...8].map { .missingLayers(file: copy.url("base").path, layers: $0) })
      #expect(
        "\(MeteoRAError.missingLayers(file: "f", layers: 3...3))"
          == "f: no tensor of layer 3 is there, expected those that the configuration asks for")
    }
  }

  @Test("an adapter without the tensors of a layer has one problem")
  func missingAdapterLayers() throws {
    let bundle = TinyBundle()
    let folder = try bundle.folder()
    let adapter = folder.url.appendingPathComponent("adapters/first")
    let tensors = bundle.adapters[0].tensors
    for (lost, layers) in [(0, 0...0), (1, 1...1)] {
      let kept = tensors.filter { !$0.key.contains("layers.\(lost).") }
      let file = try folder.write(
        TinyModel.safetensors(kept), to: "adapters/first/adapter_model.safetensors")
      let inspection = BundleInspection(folder: folder.url)
      #expect(inspection.problems == [.missingLayers(file: file.path, layers: layers)])
      let base = try #require(inspection.base?.configuration)
      #expect(AdapterInspection(folder: adapter, base: base).problems == inspection.problems)
    }
  }

  @Test("it tells patterns that match nothing and layers that are not there")
  func tellsUnmatched() throws {
    try ModelCopy.with("mha-tied") { copy in
      let path = "adapters/capitals/adapter_config.json"
      try copy.replace(#""rank_pattern": {}"#, by: #""rank_pattern": {"x_proj": 3}"#, in: path)
      try copy.replace(#""alpha_pattern": {}"#, by: #""alpha_pattern": {"7.*": 3}"#, in: path)
      try copy.replace(#""target_modules": ["#, by: #""target_modules": ["w_proj","#, in: path)
      try copy.replace(
        #""layers_to_transform": null"#, by: #""layers_to_transform": [0, 1, 9]"#, in: path)
      let base = try LlamaConfiguration(contentsOf: copy.url("base/config.json"))
      let adapter = AdapterInspection(folder: copy.url("adapters/capitals"), base: base)
      let fit = try #require(adapter.fit)
      #expect(
        fit.unmatched == [
          "target_modules 'w_proj'", "rank_pattern 'x_proj'", "alpha_pattern '7.*'",
        ])
      #expect(fit.missingLayers == [9])
      #expect(fit.changedCount == adapter.updates.count)
      #expect(fit.moduleCount == 14)
      #expect(adapter.problems.isEmpty)
    }
  }

  @Test("a tokenizer.model alone is read, one that is broken is a problem")
  func tokenizerModel() throws {
    try ModelCopy.with("plain-minimal") { copy in
      let file = copy.url("tokenizer.model")
      try Data("AA== 1\n".utf8).write(to: file)
      let broken = ModelInspection(folder: copy.folder)
      #expect(broken.tokenizerFiles == ["tokenizer.model"])
      #expect(
        broken.problems.map { "\($0)" } == [
          "\(file.path): no line has the rank 0, expected ranks without gaps"
        ])
      let lines = (0...255 as ClosedRange<UInt8>).map {
        "\(Data([$0]).base64EncodedString()) \($0)\n"
      }
      try Data(lines.joined().utf8).write(to: file)
      let model = ModelInspection(folder: copy.folder)
      #expect(model.problems.isEmpty)
      #expect(model.tokenizerVocabulary == 512)
    }
  }

  @Test("a tokenizer that cannot be taken is a problem, special ids outside are told")
  func tokenizer() throws {
    try ModelCopy.with("plain-minimal") { copy in
      try Data("{}".utf8).write(to: copy.url("tokenizer.json"))
      try Data(#"{"eos_token_id":[1,999999],"pad_token_id":-1}"#.utf8)
        .write(to: copy.url("generation_config.json"))
      let model = ModelInspection(folder: copy.folder)
      guard case .tokenizer? = model.problems.first else {
        Issue.record("no problem with the tokenizer")
        return
      }
      #expect(model.tokenizerFiles == ["tokenizer.json"])
      #expect(model.tokenizerVocabulary == nil)
      #expect(model.specialTokensOutsideVocabulary == [999999])
    }
  }

  @Test("a checkpoint that contradicts itself has problems")
  func checkpoint() throws {
    try ModelCopy.with("published-unequal") { copy in
      let name = "meteora_checkpoint.safetensors"
      let whole = try CheckpointInspection(contentsOf: copy.url(name))
      #expect(whole.problems.isEmpty)
      #expect(whole.adapterCount == 3)
      try copy.rewrite(name) { tensor in
        tensor.name.hasSuffix("0.self_attn.q_proj.lora_B.weight") ? [] : [tensor]
      }
      let cut = try CheckpointInspection(contentsOf: copy.url(name))
      #expect(cut.problems.count == 1)
      #expect("\(cut.problems[0])".contains("q_proj.lora_B.weight' is missing"))
    }
  }
}
