import Foundation
import MeteoRA
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATestSupport

/// A bundle of the tiny model with three adapters of different ranks, scales and modules, written to
/// a folder piece by piece. No adapter changes `k_proj`.
struct TinyBundle {
  struct Adapter {
    var name: String
    /// Fields of `adapter_config.json`, as JSON text.
    var fields: [String: String]
    /// By name.
    var tensors: [String: TinyModel.Tensor] = [:]

    var configuration: String { TinyBundle.object(fields) }
  }

  var base = TinyModel()
  var adapters: [Adapter] = []
  var gates: [String: TinyModel.Tensor] = [:]
  /// Fields of `meteora.json`, as JSON text.
  var manifest: [String: String] = [
    "format_version": "1", "base": #""base""#, "gates": #""gates.safetensors""#,
    "router": #"{"top_k":2,"temperature":1.5}"#,
    "adapters": """
    [{"name":"first","path":"adapters/first"},{"name":"second","path":"adapters/second"},
     {"name":"third","path":"adapters/third"}]
    """,
  ]

  static func key(_ module: LinearModule, _ layer: Int, _ part: String) -> String {
    "base_model.model.model.layers.\(layer).\(module.block).\(module.rawValue).\(part).weight"
  }

  static func shape(of module: LinearModule) -> (out: Int, in: Int) {
    switch module {
    case .query, .output: (8, 8)
    case .key, .value: (4, 8)
    case .gate, .up: (12, 8)
    case .down: (8, 12)
    }
  }

  init() {
    var random = SeededRandom(seed: 2)
    func tensor(_ shape: Int...) -> TinyModel.Tensor {
      .init((0..<shape.reduce(1, *)).map { _ in random.weight() }, shape)
    }
    func add(
      _ name: String, rank: Int, _ fields: [String: String], _ modules: [LinearModule],
      _ layers: [Int]
    ) {
      var adapter = Adapter(
        name: name, fields: ["peft_type": #""LORA""#, "r": "\(rank)"].merging(fields) { $1 })
      let names = modules.map { "\"\($0.rawValue)\"" }.joined(separator: ",")
      adapter.fields["target_modules"] = "[\(names)]"
      for layer in layers {
        for module in modules {
          let shape = Self.shape(of: module)
          adapter.tensors[Self.key(module, layer, "lora_A")] = tensor(rank, shape.in)
          adapter.tensors[Self.key(module, layer, "lora_B")] = tensor(shape.out, rank)
        }
      }
      adapters.append(adapter)
    }
    add(
      "first", rank: 2, ["lora_alpha": "4"], [.query, .value, .output, .gate, .up, .down], [0, 1])
    add(
      "second", rank: 3, ["lora_alpha": "5", "use_rslora": "true"], [.query, .value, .down], [0, 1])
    add(
      "third", rank: 1, ["lora_alpha": "0.5", "layers_to_transform": "[1]"],
      [.value, .up, .output], [1])
    for layer in 0..<2 {
      for module in LinearModule.allCases where module != .key {
        gates[Self.key(module, layer, "moe_gate")] = tensor(3, Self.shape(of: module).in)
      }
    }
  }

  /// The bundle with some of the adapters and their rows of the gates alone.
  func keeping(_ indices: [Int], topK: Int) -> TinyBundle {
    var bundle = self
    bundle.adapters = indices.map { adapters[$0] }
    bundle.gates = gates.mapValues { gate in
      let width = gate.shape[1] * 4
      var kept = TinyModel.Tensor(.f32, [indices.count, gate.shape[1]])
      kept.bytes = indices.flatMap { gate.bytes[$0 * width..<($0 + 1) * width] }
      return kept
    }
    let list = bundle.adapters.map { #"{"name":"\#($0.name)","path":"adapters/\#($0.name)"}"# }
    bundle.manifest["adapters"] = "[\(list.joined(separator: ","))]"
    bundle.manifest["router"] = #"{"top_k":\#(topK),"temperature":1.5}"#
    return bundle
  }

  static func object(_ fields: [String: String]) -> String {
    "{"
      + fields.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
      .joined(separator: ",") + "}"
  }

  /// Writes everything.
  func write(to folder: TemporaryFolder) throws {
    try base.write(to: folder, at: "base/")
    for adapter in adapters {
      try folder.write(adapter.configuration, to: "adapters/\(adapter.name)/adapter_config.json")
      try folder.write(
        TinyModel.safetensors(adapter.tensors),
        to: "adapters/\(adapter.name)/adapter_model.safetensors")
    }
    try folder.write(TinyModel.safetensors(gates), to: "gates.safetensors")
    try folder.write(Self.object(manifest), to: "meteora.json")
  }

  func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try write(to: folder)
    return folder
  }

  func load() throws -> MeteoRAModel {
    let folder = try folder()
    return try withExtendedLifetime(folder) {
      try MeteoRAModel(contentsOf: folder.url, parallelism: .serial)
    }
  }

  // MARK: Published checkpoint

  /// The tensors of the checkpoint that the published code would save: adapters one after the
  /// other along the ranks.
  func checkpoint() -> [String: TinyModel.Tensor] {
    var tensors = gates
    for (name, tensor) in base.tensors { tensors["base_model.model.\(name)"] = tensor }
    for layer in 0..<2 {
      for module in LinearModule.allCases {
        let key = { (part: String) in Self.key(module, layer, part) }
        let own = adapters.filter { $0.tensors[key("lora_A")] != nil }
        if own.isEmpty { continue }
        let path = module.path(layer: layer)
        tensors["base_model.model.\(path).base_layer.weight"] =
          tensors.removeValue(forKey: "base_model.model.\(path).weight")
        let a = own.compactMap { $0.tensors[key("lora_A")] }
        let b = own.compactMap { $0.tensors[key("lora_B")] }
        let shape = Self.shape(of: module)
        let rank = a.reduce(0) { $0 + $1.shape[0] }
        var joinedA = TinyModel.Tensor(.f32, [rank, shape.in])
        joinedA.bytes = a.flatMap(\.bytes)
        var joinedB = TinyModel.Tensor(.f32, [shape.out, rank])
        joinedB.bytes = (0..<shape.out).flatMap { row in
          b.flatMap { $0.bytes[row * $0.shape[1] * 4..<(row + 1) * $0.shape[1] * 4] }
        }
        tensors[key("lora_A")] = joinedA
        tensors[key("lora_B")] = joinedB
      }
    }
    return tensors
  }

  /// Loads base, adapters' configurations and a checkpoint.
  func load(checkpoint: [String: TinyModel.Tensor]) throws -> MeteoRAModel {
    let folder = try folder()
    return try withExtendedLifetime(folder) {
      for adapter in adapters {
        // A and B come from the checkpoint alone.
        try FileManager.default.removeItem(
          at: folder.url.appendingPathComponent(
            "adapters/\(adapter.name)/adapter_model.safetensors"))
      }
      let file = try folder.write(TinyModel.safetensors(checkpoint), to: "c.safetensors")
      return try MeteoRAModel(
        files: ModelFiles(
          base: folder.url.appendingPathComponent("base"),
          adapters: adapters.map { adapter in
            .init(
              name: adapter.name,
              folder: folder.url.appendingPathComponent("adapters/\(adapter.name)"))
          },
          gates: .checkpoint(file), router: RouterConfiguration(topK: 2, temperature: 1.5)),
        parallelism: .serial)
    }
  }
}

/// The place of the first difference in bits, or `nil`.
func firstDifference(_ actual: [Float], _ expected: [Float]) -> String? {
  if actual.count != expected.count { return "\(actual.count) elements, not \(expected.count)" }
  for index in actual.indices where actual[index].bitPattern != expected[index].bitPattern {
    return "element \(index) is \(actual[index]), not \(expected[index])"
  }
  return nil
}

extension MeteoRAError {
  /// The kind of the error, and the field or tensor that it names.
  var label: String {
    switch self {
    case .json(let error), .llama(.json(let error)):
      switch error.problem {
      case .unreadable: "unreadable"
      case .mismatch(let path, _, _), .missingField(let path): "json \(path)"
      default: "json"
      }
    case .unsupported(_, let field, _, _): "unsupported \(field)"
    case .invalid(_, let field, _, _): "invalid \(field)"
    case .pattern(_, let field, _, _): "pattern \(field)"
    case .ambiguousPatterns(_, let module, _, _): "ambiguous \(module)"
    case .kernel(_, .outOfRange(let argument, _, _)): "range \(argument)"
    case .llama(.safetensors(.tensorNotFound(_, let tensor))): "missing \(tensor)"
    case .llama(.safetensors(.shapeMismatch(_, let tensor, _, _))): "shape \(tensor)"
    case .llama(.weightType(_, let tensor, let type)): "type \(type) \(tensor)"
    case .llama(.unexpectedTensor(_, let tensor)), .unexpectedTensor(_, let tensor, _):
      "unexpected \(tensor)"
    case .nonFiniteGate(_, let tensor, let element): "infinite \(tensor) \(element)"
    case .baseDiffers(_, let tensor, _): "differs \(tensor)"
    default: "\(self)"
    }
  }
}
