import Foundation
import MeteoRALlama
import MeteoRATestSupport
import Testing

@testable import MeteoRA

extension LoRAConfiguration {
  /// The update of a module, with all steps that a configuration has.
  fileprivate func update(
    of module: LinearModule, layer: Int, trainedRank: Int? = nil
  ) throws(MeteoRAError) -> Update? {
    var work = PatternWork(file: file)
    return try update(of: module, layer: layer, trainedRank: trainedRank, work: &work)
  }

  /// The updates of the linear modules of a layer that the adapter changes.
  fileprivate func updates(
    inLayer layer: Int
  ) throws(MeteoRAError) -> [(module: LinearModule, update: Update)] {
    var updates: [(module: LinearModule, update: Update)] = []
    for module in LinearModule.allCases {
      if let update = try update(of: module, layer: layer) { updates.append((module, update)) }
    }
    return updates
  }
}

@Suite("An adapter_config.json")
struct LoRAConfigurationTests {
  private static let fields = [
    "peft_type": #""LORA""#, "r": "8", "lora_alpha": "16",
    "target_modules": #"["q_proj","v_proj"]"#,
  ]

  private func read(_ changes: [String: String?]) throws -> LoRAConfiguration {
    let folder = try TemporaryFolder()
    var fields = Self.fields
    for (field, value) in changes { fields[field] = value }
    return try LoRAConfiguration(
      contentsOf: folder.write(TinyBundle.object(fields), to: "adapter_config.json"))
  }

  @Test("it has the values of the file")
  func values() throws {
    let configuration = try read([
      "use_rslora": "true", "exclude_modules": #"".*\\.v_proj""#, "layers_to_transform": "[0,5]",
      "rank_pattern": #"{"q_proj":4}"#, "alpha_pattern": #"{"v_proj":0.25,"k_proj":-1}"#,
      "peft_version": #""0.15.0""#,
    ])
    #expect(configuration.rank == 8)
    #expect(configuration.alpha == 16)
    #expect(configuration.usesRankStabilization)
    #expect(configuration.targetModules == .names(["q_proj", "v_proj"]))
    #expect(configuration.excludedModules == .expression(#".*\.v_proj"#))
    #expect(configuration.layersToTransform == [0, 5])
    #expect(configuration.rankPatterns.map(\.pattern) == ["q_proj"])
    #expect(configuration.rankPatterns.map(\.rank) == [4])
    #expect(configuration.alphaPatterns.map(\.pattern) == ["v_proj", "k_proj"])
    #expect(configuration.alphaPatterns.map(\.alpha) == [0.25, -1])
    #expect(try configuration.update(of: .query, layer: 5)?.scaling == 8)
    #expect(try configuration.update(of: .query, layer: 1) == nil)
    #expect(try configuration.update(of: .value, layer: 5) == nil)
  }

  @Test(
    "it may hold what does not change a result",
    arguments: [
      ["bias": #""none""#], ["init_lora_weights": "true"], ["init_lora_weights": "false"],
      ["init_lora_weights": "null"], ["init_lora_weights": #""gaussian""#],
      ["init_lora_weights": #""eva""#, "eva_config": #"{"rho":2.0}"#],
      ["init_lora_weights": #""orthogonal""#], ["lora_dropout": "0.1"], ["fan_in_fan_out": "true"],
      ["megatron_core": #""megatron.core""#], ["loftq_config": #"{"loftq_bits":4}"#],
      ["runtime_config": #"{"ephemeral_gpu_offload":true}"#], ["qalora_group_size": "16"],
      ["modules_to_save": "[]"], ["modules_to_save": "null"], ["use_dora": "false"],
      ["target_parameters": "[]"], ["some_future_field": "null"], ["some_future_field": "false"],
      ["some_future_field": "[]"], ["some_future_field": "{}"], ["task_type": #""CAUSAL_LM""#],
      ["base_model_name_or_path": #""x/y""#], ["peft_version": #""0.21.2""#],
      ["exclude_modules": "null"], ["rank_pattern": "null"], ["layers_pattern": #""layers""#],
    ])
  func harmless(fields: [String: String]) throws {
    let update = try read(fields).update(of: .value, layer: 3)
    #expect(update == .init(rank: 8, alpha: 16, scaling: 2))
  }

  static let refusals: [(fields: [String: String?], label: String)] = [
    (["peft_type": nil], "json peft_type"), (["peft_type": #""IA3""#], "unsupported peft_type"),
    (["peft_type": #""ADALORA""#], "unsupported peft_type"),
    (["peft_type": #""lora""#], "unsupported peft_type"), (["peft_type": "1"], "json peft_type"),
    (["bias": #""all""#], "unsupported bias"), (["bias": #""lora_only""#], "unsupported bias"),
    (["bias": "true"], "json bias"), (["lora_bias": "true"], "unsupported lora_bias"),
    (["modules_to_save": #"["lm_head"]"#], "unsupported modules_to_save"),
    (["use_dora": "true"], "unsupported use_dora"),
    (["use_qalora": "true"], "unsupported use_qalora"),
    (["use_bdlora": #"{"nblocks":2}"#], "unsupported use_bdlora"),
    (["layer_replication": "[[0,2]]"], "unsupported layer_replication"),
    (["trainable_token_indices": "[3]"], "unsupported trainable_token_indices"),
    (["target_parameters": #"["w"]"#], "unsupported target_parameters"),
    (["alora_invocation_tokens": "[1]"], "unsupported alora_invocation_tokens"),
    (["arrow_config": #"{"top_k":1}"#], "unsupported arrow_config"),
    (["kasa_config": #"{"beta":1}"#], "unsupported kasa_config"),
    (["megatron_config": #"{"a":1}"#], "unsupported megatron_config"),
    (["some_future_field": "0"], "unsupported some_future_field"),
    (["some_future_field": #""""#], "unsupported some_future_field"),
    (["R": "8"], "unsupported R"), (["lora_alpha ": "8"], "unsupported lora_alpha "),
    (["init_lora_weights": #""pissa""#], "unsupported init_lora_weights"),
    (["init_lora_weights": #""pissa_niter_16""#], "unsupported init_lora_weights"),
    (["init_lora_weights": #""olora""#], "unsupported init_lora_weights"),
    (["init_lora_weights": #""corda""#], "unsupported init_lora_weights"),
    (["init_lora_weights": #""loftq""#], "unsupported init_lora_weights"),
    (["init_lora_weights": #""lora_ga""#], "unsupported init_lora_weights"),
    (["init_lora_weights": "1"], "json init_lora_weights"),
    (["r": nil], "json r"), (["r": "0"], "json r"), (["r": "-1"], "json r"),
    (["r": "1048577"], "json r"), (["r": "8.0"], "json r"), (["r": #""8""#], "json r"),
    (["r": "9223372036854775808"], "json r"),
    (["lora_alpha": nil], "json lora_alpha"), (["lora_alpha": "null"], "json lora_alpha"),
    (["lora_alpha": "NaN"], "json"), (["lora_alpha": "Infinity"], "json"),
    (["lora_alpha": #""16""#], "json lora_alpha"), (["lora_alpha": "1e400"], "json lora_alpha"),
    (["lora_alpha": "1e39"], "invalid lora_alpha"), (["use_rslora": "1"], "json use_rslora"),
    (["target_modules": nil], "json target_modules"),
    (["target_modules": "null"], "json target_modules"),
    (["target_modules": "7"], "json target_modules"),
    (["target_modules": #"{"q_proj":1}"#], "json target_modules"),
    (["target_modules": "[7]"], "json target_modules[0]"),
    (["target_modules": #"["q_proj",null]"#], "json target_modules[1]"),
    (["target_modules": #"["q_proj","lm_head"]"#], "unsupported target_modules"),
    (["target_modules": #"["embed_tokens"]"#], "unsupported target_modules"),
    (["target_modules": #"".*""#], "unsupported target_modules"),
    (["target_modules": #""lm_head|.*q_proj""#], "unsupported target_modules"),
    (["target_modules": #"".*(q_proj""#], "pattern target_modules"),
    (["target_modules": #""(?i).*q_proj""#], "pattern target_modules"),
    (["exclude_modules": #""[""#], "pattern exclude_modules"),
    (["exclude_modules": "3"], "json exclude_modules"),
    (["exclude_modules": "[3]"], "json exclude_modules[0]"),
    (["layers_to_transform": #""1""#], "json layers_to_transform"),
    (["layers_to_transform": "1.0"], "json layers_to_transform"),
    (["layers_to_transform": "true"], "json layers_to_transform"),
    (["layers_to_transform": "[0,1.5]"], "json layers_to_transform[1]"),
    (
      ["target_modules": #"".*q_proj""#, "layers_to_transform": "[0]"],
      "invalid layers_to_transform"
    ),
    (
      ["target_modules": #""all-linear""#, "layers_to_transform": "0"],
      "invalid layers_to_transform"
    ),
    (["target_modules": #""all-linear""#, "layers_pattern": #""h""#], "invalid layers_pattern"),
    (["layers_pattern": "1"], "json layers_pattern"),
    (["layers_pattern": "[1]"], "json layers_pattern[0]"),
    (["layers_pattern": #""(""#], "pattern layers_pattern"),
    (["layers_pattern": #"["h","a|b"]"#], "pattern layers_pattern"),
    (["rank_pattern": "[]"], "json rank_pattern"),
    (["rank_pattern": #"{"q_proj":0}"#], "json rank_pattern.q_proj"),
    (["rank_pattern": #"{"q_proj":"8"}"#], "json rank_pattern.q_proj"),
    (["rank_pattern": #"{"*":8}"#], "pattern key of rank_pattern"),
    (["alpha_pattern": #"{"q_proj":null}"#], "json alpha_pattern.q_proj"),
    (["alpha_pattern": #"{"q_proj":-1e39}"#], "invalid alpha_pattern.q_proj"),
    (["alpha_pattern": #"{"\\1":8}"#], "pattern key of alpha_pattern"),
  ]

  @Test("it is refused, and the error says which field is the reason", arguments: refusals.indices)
  func refuses(index: Int) throws {
    let refusal = Self.refusals[index]
    let error = try #require(throws: MeteoRAError.self) { try read(refusal.fields) }
    #expect(error.label == refusal.label)
    #expect(error.description.contains("adapter_config.json"))
    #expect(!error.description.contains("\n"))
  }

  @Test("it is refused if it is no object, ends early, or says a key twice")
  func refusesText() throws {
    let folder = try TemporaryFolder()
    let whole = TinyBundle.object(Self.fields)
    for text in [
      "", "[]", "{", String(whole.dropLast()), whole.dropLast() + #","r":8}"#, whole + "}",
    ] {
      let file = try folder.write(text, to: "adapter_config.json")
      #expect(throws: MeteoRAError.self) { try LoRAConfiguration(contentsOf: file) }
    }
    let missing = folder.url.appendingPathComponent("x/adapter_config.json")
    #expect(throws: MeteoRAError.self) { try LoRAConfiguration(contentsOf: missing) }
  }

  @Test("it ends quickly where a pattern would backtrack without end")
  func catastrophes() throws {
    for pattern in ["(a|a?)+$", "(.*.*)*x", "((.*)*)*q_projx", "(.|.)*x"] {
      #expect(try read(["target_modules": "\"\(pattern)\""]).update(of: .query, layer: 0) == nil)
      let configuration = try read(["rank_pattern": "{\"\(pattern)\":1}"])
      #expect(try configuration.update(of: .query, layer: 0)?.rank == 8)
    }
  }

  @Test("it is refused if its patterns ask for too much memory together")
  func cost() throws {
    func keys(_ count: Int, _ pattern: (Int) -> String) -> String {
      "{" + (0..<count).map { "\"\(pattern($0))\":1" }.joined(separator: ",") + "}"
    }
    func paths(_ count: Int) -> String { keys(count) { "layers.\($0).mlp.up_proj" } }
    #expect(try read(["rank_pattern": paths(32_000)]).update(of: .query, layer: 0)?.rank == 8)
    for fields in [
      ["rank_pattern": keys(1600) { "(a|a?)+(.|.)*.{0,80}\($0)" }],
      ["alpha_pattern": paths(132_000)],
      // Programs of which all together would fill the memory of a machine.
      ["alpha_pattern": keys(3000) { "a{16000}\($0)" }],
      ["rank_pattern": keys(3000) { "(?=b{200})\($0)" }],
    ] {
      let error = try #require(throws: MeteoRAError.self) { try read(fields) }
      #expect(error.label == "invalid the number of steps that its patterns take")
    }
  }

  @Test(
    "every module of the largest Llama can have keys of its own",
    arguments: [("", ""), ("^", ""), (".*", ""), ("(", ")"), (".*(", ")$")])
  func everyModule(prefix: String, suffix: String) throws {
    let paths = (0..<126).flatMap { layer in LinearModule.allCases.map { $0.path(layer: layer) } }
    let keys = paths.map { "\"\(prefix)\($0)\(suffix)\":3" }.joined(separator: ",")
    let configuration = try read([
      "target_modules": #""all-linear""#, "rank_pattern": "{\(keys)}",
      "alpha_pattern": "{\(keys)}",
    ])
    var work = PatternWork(file: configuration.file)
    for layer in 0..<126 {
      for module in LinearModule.allCases {
        let update = try configuration.update(
          of: module, layer: layer, trainedRank: 3, work: &work)
        #expect(update?.rank == 3 && update?.alpha == 3)
      }
    }
    #expect(work.remaining > PatternWork.largest / 2)
  }

  @Test("it is refused by the pattern that takes too long over all modules of a model")
  func takesTooLong() throws {
    for fields in [
      ["rank_pattern": #"{"q_proj":2,"(.|){0,1200}x.*":1}"#],
      ["target_modules": #""(.|){0,1200}x.*|.*_proj""#],
      ["target_modules": #"["q_proj"]"#, "exclude_modules": #""(.|){0,1200}x.*""#],
      [
        "layers_to_transform": "[\((0..<8000).map(String.init).joined(separator: ","))]",
        "layers_pattern": #""(.|){0,1200}x.*""#,
      ],
    ] {
      let configuration = try read(fields)
      let error = try #require(throws: MeteoRAError.self) {
        _ = try configuration.updates(layerCount: 8000)
      }
      #expect(error.description.contains("(.|){0,1200}x.*"))
      #expect(error.description.hasSuffix("more than 134217728 steps over all modules"))
    }
  }

  @Test("it may list more names than could be tried one by one")
  func manyNames() throws {
    let names = (0..<100_000).map { "\"n\($0)\"" }.joined(separator: ",")
    let configuration = try read(["target_modules": "[\(names),\"q_proj\"]"])
    let updates = try configuration.updates(layerCount: 1000)
    #expect(updates.allSatisfy { $0.count { $0 != nil } == 1 && $0[0]?.rank == 8 })
  }

  @Test("the rank of the tensors tells which release of PEFT made the file")
  func trainedRanks() throws {
    let configuration = try read(["rank_pattern": #"{"k_proj|q_proj":4}"#])
    func rank(_ trained: Int?) throws -> Int? {
      try configuration.update(of: .query, layer: 1, trainedRank: trained)?.rank
    }
    #expect(try rank(4) == 4)
    #expect(try rank(8) == 8)
    // No release would have trained it: the loader compares with today's rule.
    #expect(try rank(5) == 4)
    #expect(throws: MeteoRAError.self) { try rank(nil) }
    let alphas = try read(["alpha_pattern": #"{"k_proj|q_proj":4}"#])
    #expect(throws: MeteoRAError.self) {
      try alphas.update(of: .query, layer: 1, trainedRank: 8)
    }
  }

  @Test("a key that is ^ and the path of a module tells that PEFT 0.15 or later made the file")
  func anchoredKeys() throws {
    let path = "model.layers.1.self_attn.q_proj"
    for key in ["^\(path)", "^\(path)$", #"^model\\.layers\\.1\\.self_attn\\.q_proj"#] {
      let configuration = try read(["alpha_pattern": "{\"\(key)\":4,\"model.*v_proj\":3}"])
      #expect(try configuration.update(of: .query, layer: 1)?.alpha == 4)
      // One release made all of the file.
      #expect(try configuration.update(of: .value, layer: 1)?.alpha == 3)
      let other = try read([
        "rank_pattern": "{\"\(key)\":2}", "alpha_pattern": #"{"model.*v_proj":3}"#,
      ])
      #expect(try other.update(of: .value, layer: 1)?.alpha == 3)
    }
    for key in [
      // Older releases match the second branch.
      "^model.layers.0.self_attn.q_proj|\(path)", "^model.*q_proj", "^(\(path))",
      // No release matches these with anything, so nobody can tell.
      "^q_proj", "^layers.1.self_attn.q_proj", "^model.layers.x.self_attn.q_proj",
      "^model.layers.-1.self_attn.q_proj", "^model.layers.01.self_attn.q_proj",
      "^model.layers.1.mlp.q_proj", "^", "^^\(path)", "^\(path).x",
    ] {
      let configuration = try read(["alpha_pattern": "{\"\(key)\":4,\"model.*v_proj\":3}"])
      #expect(throws: MeteoRAError.self, "\(key)") {
        try configuration.update(of: .value, layer: 1)
      }
    }
    let split = try read(["alpha_pattern": "{\"^model.layers.0.self_attn.q_proj|\(path)\":4}"])
    let error = try #require(throws: MeteoRAError.self) { try split.update(of: .query, layer: 0) }
    #expect(error.label == "ambiguous model.layers.0.self_attn.q_proj")
    // There all releases agree.
    #expect(try split.update(of: .query, layer: 1)?.alpha == 4)
  }

  /// Fields, and the ranks and alphas of q_proj and v_proj in layer 1 by the rule of PEFT 0.15, if
  /// it takes those of older releases to be another's.
  static let disputes: [(rank: String, alpha: String, today: [Double])] = [
    // One key for both: rank_pattern's comes first, and alpha_pattern has no such key.
    (#"{"q_proj":4}"#, #"{"1.self_attn.q_proj":3}"#, [4, 3, 8, 16]),
    (#"{"q_proj":4}"#, #"{".*":3}"#, [4, 3, 8, 3]),
    // A path from its start, which needed a dot before it.
    (#"{"model.*q_proj":4}"#, "{}", [4, 16, 8, 16]),
    ("{}", #"{"model.*v_proj":3}"#, [8, 16, 8, 3]),
    // Alternatives, which fell apart: `.*\.v_proj` or `q_proj$`.
    (#"{"k_proj|q_proj":4}"#, "{}", [4, 16, 8, 16]),
  ]

  private static func values(
    of configuration: LoRAConfiguration
  ) throws(MeteoRAError) -> [Double] {
    try configuration.updates(inLayer: 1).flatMap { [Double($0.update.rank), $0.update.alpha] }
  }

  @Test("it is refused where releases of PEFT find other ranks or alphas", arguments: disputes)
  func ambiguous(rank: String, alpha: String, today: [Double]) throws {
    let fields: [String: String?] = ["rank_pattern": rank, "alpha_pattern": alpha]
    for version in [nil, "null", "7", #""""#, #""0.14.0""#, #""0""#, #""x.15""#, #""-1.15""#] {
      let configuration = try read(fields.merging(["peft_version": version]) { $1 })
      do throws(MeteoRAError) {
        _ = try Self.values(of: configuration)
        Issue.record("it is taken with version \(version ?? "nil")")
      } catch {
        #expect(error.label.hasPrefix("ambiguous model.layers.1."))
        #expect(error.description.contains("expected a peft_version of 0.15 or later"))
      }
    }
    for version in [#""0.15.0""#, #""0.18.2.dev0@abc""#, #""1.0.0""#, #""0.15""#] {
      let configuration = try read(fields.merging(["peft_version": version]) { $1 })
      #expect(try Self.values(of: configuration) == today)
    }
  }

  @Test(
    "its patterns are taken where all releases of PEFT agree",
    arguments: [
      (#"{"q_proj":4}"#, #"{"q_proj":3}"#), (#"{"q_proj":4}"#, #"{"v_proj":3,"q_proj":16}"#),
      (#"{"model.layers.1.self_attn.q_proj":4}"#, #"{"model.layers.1.self_attn.q_proj":3}"#),
      (#"{"(q|k)_proj":4}"#, #"{"(q|k)_proj":3}"#), (#"{"k_proj":4}"#, #"{"o_proj":3}"#),
      (#"{"self_attn.q_proj":4,"q_proj":2}"#, #"{"self_attn.q_proj":5}"#),
    ])
  func agreed(rank: String, alpha: String) throws {
    let plain = try read(["rank_pattern": rank, "alpha_pattern": alpha])
    let settled = try read([
      "rank_pattern": rank, "alpha_pattern": alpha, "peft_version": #""0.19.0""#,
    ])
    for module in [LinearModule.query, .value] {
      #expect(try plain.update(of: module, layer: 1) == settled.update(of: module, layer: 1))
    }
  }

  @Test("a whole path counts in any layer, an empty pattern in a list for none")
  func layers() throws {
    let path = "model.layers.1.self_attn.q_proj"
    let fields = ["target_modules": "[\"\(path)\",\"v_proj\"]", "layers_to_transform": "[0]"]
    let configuration = try read(fields)
    #expect(try configuration.updates(inLayer: 0).map(\.module) == [.value])
    #expect(try configuration.updates(inLayer: 1).map(\.module) == [.query])
    for (pattern, count) in [(#""""#, 1), ("[]", 1), (#"[""]"#, 0), (#"["","layers"]"#, 1)] {
      let configuration = try read(fields.merging(["layers_pattern": pattern]) { $1 })
      #expect(try configuration.updates(inLayer: 0).count == count)
    }
  }

  @Test("names are compared as bytes")
  func bytes() throws {
    // The same characters to Unicode: K is U+004B, KELVIN SIGN is U+212A.
    #expect(throws: MeteoRAError.self) { try read(["\u{212A}": "1"]) }
    let composed = try read(["target_modules": "[\"q_proj\", \"k_proj\u{301}\"]"])
    #expect(try composed.update(of: .key, layer: 0) == nil)
    func match(_ path: String, _ name: String) throws -> ModuleMatcher.Match? {
      var work = PatternWork(file: "a.json")
      return try ModuleMatcher(names: ["x", name]).matches(Array(path.utf8), work: &work)
    }
    #expect(try match("a.b", "b") == .end && match("a.b", "a.b") == .whole)
    #expect(try match("a.b.c", "b.c") == .end && match("a.b.c", "a.b") == nil)
    for (path, name) in [("a.b", "a.b.c"), ("ab", "b"), ("a.b", ""), ("a.e\u{301}", "\u{E9}")] {
      #expect(try match(path, name) == nil)
    }
  }
}
