import Foundation
import MeteoRAFixtures
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

extension TinyModel {
  func load() throws -> LlamaModel {
    let folder = try folder()
    return try withExtendedLifetime(folder) { try LlamaModel(folder: folder.url) }
  }
}

@Suite("Loading a model folder")
struct LlamaModelLoadingTests {
  static let names = TinyModel().tensors.keys.sorted()

  private func error(_ model: TinyModel) throws -> LlamaError {
    try #require(throws: LlamaError.self) { try model.load() }
  }

  @Test("it has the weights of the file")
  func loads() throws {
    let model = try TinyModel().load()
    #expect(model.layers.count == 2)
    #expect(model.embedding.outFeatures == 11 && model.embedding.inFeatures == 8)
    #expect(model.head !== model.embedding)
    #expect(model.specialTokens.endOfSequence == [2])
    #expect(model.layers[1][.down].weights.outFeatures == 8)
    #expect(model.layers[1][.down].weights.inFeatures == 12)
    #expect(model.layers[0][.query].bias == nil)
    let norm = try #require(TinyModel().tensors["model.norm.weight"])
    let bytes = model.finalNorm.flatMap {
      withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init)
    }
    #expect(bytes == norm.bytes)
  }

  @Test("it ends in an error if the file is made shorter meanwhile", arguments: [1, 2, 5, 20])
  func shortened(tensors: Int) throws {
    let folder = try TinyModel().folder()
    let file = folder.url.appendingPathComponent("model.safetensors")
    var asked = 0
    let error = try #require(throws: LlamaError.self) {
      _ = try LlamaModel(folder: folder.url, parallelism: Parallelism(threads: 2)) {
        asked += 1
        // The rest of the header, and no data.
        if asked == tensors { truncate(file.path, 64) }
        return false
      }
    }
    #expect(asked == tensors)
    guard case .safetensors(.inaccessible(.shortened(file.path, _, 64))) = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test("it is refused without a tensor, which is named", arguments: names)
  func missing(name: String) throws {
    var model = TinyModel()
    model.tensors[name] = nil
    guard case .safetensors(.tensorNotFound(_, name)) = try error(model) else {
      Issue.record("\(try error(model))")
      return
    }
  }

  @Test("it is refused with a tensor of another shape, which is named", arguments: names)
  func shape(name: String) throws {
    let right = try #require(TinyModel().tensors[name]?.shape)
    var shapes = [[right[0] + 1] + right.dropFirst(), right + [1], [1] + right, [], [0] + right]
    if right.count == 2 {
      shapes += [[right[1] * right[0]], [right[0], 0]]
      if right[0] != right[1] { shapes.append([right[1], right[0]]) }
    }
    for shape in shapes {
      var model = TinyModel()
      model.tensors[name] = .init(.f32, shape)
      guard case .safetensors(.shapeMismatch(_, name, right, shape)) = try error(model) else {
        Issue.record("\(shape): \(try error(model))")
        continue
      }
    }
  }

  @Test(
    "it is refused with a number type that weights cannot have",
    arguments: [
      "model.embed_tokens.weight", "model.layers.1.self_attn.k_proj.weight", "model.norm.weight",
    ],
    [.i64, .f64, .f8E4M3, .f8E5M2, .i32, .u8, .bool] as [SafetensorsDType])
  func dtype(name: String, dtype: SafetensorsDType) throws {
    var model = TinyModel()
    let shape = try #require(model.tensors[name]?.shape)
    model.tensors[name] = .init(dtype, shape)
    guard case .weightType(_, name, dtype.name) = try error(model) else {
      Issue.record("\(try error(model))")
      return
    }
  }

  @Test("it may have tensors of different float types", arguments: [SafetensorsDType.bf16, .f16])
  func halves(dtype: SafetensorsDType) throws {
    var model = TinyModel()
    for name in ["model.layers.0.mlp.up_proj.weight", "model.norm.weight", "lm_head.weight"] {
      let shape = try #require(model.tensors[name]?.shape)
      model.tensors[name] = .init(dtype, shape)
    }
    let loaded = try model.load()
    #expect(loaded.head.format == (dtype == .bf16 ? .bfloat16 : .float16))
    #expect(loaded.embedding.format == .float32)
    #expect(loaded.finalNorm == [Float](repeating: 0, count: 8))
  }

  @Test(
    "it is refused with a tensor that the configuration does not know",
    arguments: [
      "model.layers.2.self_attn.q_proj.weight", "model.layers.0.self_attn.q_proj.bias",
      "model.layers.0.mlp.down_proj.bias", "model.rotary_emb.inv_freq", "extra", "",
      "model.layers.0.self_attn.rotary_emb.inv_freq.x", "model.layers.00.self_attn.q_proj.weight",
    ])
  func extra(name: String) throws {
    var model = TinyModel()
    model.tensors[name] = .init(.f32, [8])
    guard case .unexpectedTensor(_, name) = try error(model) else {
      Issue.record("\(try error(model))")
      return
    }
  }

  @Test("it may have the rotary frequencies that old checkpoints hold")
  func rotaryBuffer() throws {
    var model = TinyModel()
    model.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = .init(.f64, [1])
    model.tensors["model.layers.1.self_attn.rotary_emb.inv_freq"] = .init(.f32, [4])
    #expect(throws: Never.self) { try model.load() }
  }

  @Test("it needs the biases that the configuration promises, and takes no others")
  func biases() throws {
    var model = TinyModel()
    model.fields["attention_bias"] = "true"
    guard
      case .safetensors(.tensorNotFound(_, "model.layers.0.self_attn.q_proj.bias")) =
        try error(model)
    else {
      Issue.record("\(try error(model))")
      return
    }
    for layer in 0..<2 {
      for (module, count) in [("q", 8), ("k", 4), ("v", 4), ("o", 8)] {
        model.tensors["model.layers.\(layer).self_attn.\(module)_proj.bias"] =
          .init([Float](repeating: 0.5, count: count), [count])
      }
    }
    #expect(try model.load().layers[1][.output].bias == [Float](repeating: 0.5, count: 8))
    model.fields["attention_bias"] = "false"
    guard case .unexpectedTensor(_, let name) = try error(model) else {
      Issue.record("\(try error(model))")
      return
    }
    #expect(name.hasSuffix(".bias"))
    model.fields["attention_bias"] = "true"
    model.fields["mlp_bias"] = "true"
    guard
      case .safetensors(.tensorNotFound(_, "model.layers.0.mlp.gate_proj.bias")) =
        try error(model)
    else {
      Issue.record("\(try error(model))")
      return
    }
  }

  @Test("a tied model may hold its head beside the embedding, if it is the same")
  func tied() throws {
    var model = TinyModel()
    model.fields["tie_word_embeddings"] = "true"
    guard case .tiedHeadDiffers = try error(model) else {
      Issue.record("\(try error(model))")
      return
    }
    model.tensors["lm_head.weight"] = model.tensors["model.embed_tokens.weight"]
    let loaded = try model.load()
    #expect(loaded.head === loaded.embedding)
    model.tensors["lm_head.weight"]?.bytes[100] ^= 1
    guard case .tiedHeadDiffers = try error(model) else {
      Issue.record("\(try error(model))")
      return
    }
    // The same bytes as another type, and as another shape, are another matrix.
    model.tensors["model.embed_tokens.weight"] = .init(.bf16, [11, 8])
    for other in [TinyModel.Tensor(.f16, [11, 8]), .init(.bf16, [8, 11]), .init(.bf16, [88])] {
      model.tensors["lm_head.weight"] = other
      guard case .tiedHeadDiffers = try error(model) else {
        Issue.record("\(try error(model))")
        continue
      }
    }
    model.tensors["lm_head.weight"] = nil
    #expect(throws: Never.self) { try model.load() }
  }

  @Test("it may be cut into shards")
  func shards() throws {
    let whole = try TinyModel().load()
    let model = TinyModel()
    let folder = try TemporaryFolder()
    try folder.write(model.configuration, to: "config.json")
    let isFirst = { (name: String) in name.contains("layers.0") }
    try folder.write(model.weights(where: isFirst), to: "a.safetensors")
    try folder.write(model.weights { !isFirst($0) }, to: "sub/b.safetensors")
    let map = model.tensors.keys.map {
      "\"\($0)\":\"\(isFirst($0) ? "a" : "sub/b").safetensors\""
    }
    try folder.write(
      "{\"weight_map\":{\(map.joined(separator: ","))}}", to: "model.safetensors.index.json")
    let sharded = try LlamaModel(folder: folder.url)
    #expect(try sharded.logits(of: [1, 2, 3]) == whole.logits(of: [1, 2, 3]))
    let golden = try #require(GoldenPack.directory)
      .appendingPathComponent("models/gqa-sharded/base")
    #expect(throws: Never.self) { try LlamaModel(folder: golden) }
    try FileManager.default.removeItem(at: folder.url.appendingPathComponent("a.safetensors"))
    let error = try #require(throws: LlamaError.self) { try LlamaModel(folder: folder.url) }
    #expect(error.description.contains("a.safetensors"))
  }

  @Test("it is refused without weights, and says so of a pickle")
  func noWeights() throws {
    let folder = try TemporaryFolder()
    try folder.write(TinyModel().configuration, to: "config.json")
    #expect(throws: LlamaError.safetensors(.noWeights(folder: folder.url.path))) {
      try LlamaModel(folder: folder.url)
    }
    try folder.write("", to: "pytorch_model.bin")
    let error = try #require(throws: LlamaError.self) { try LlamaModel(folder: folder.url) }
    #expect(error.label == "unsupported the weights' file")
    #expect(error.description.contains("pytorch_model.bin"))
  }

  @Test("every error is one sentence that names the file")
  func descriptions() {
    let kernel = LlamaError.kernel(
      context: "c", .outOfRange(argument: "a", actual: "1", allowed: "2"))
    let errors: [LlamaError] = [
      .safetensors(.noWeights(folder: "f")),
      .unsupported(file: "f\n", field: "a\n", found: "\n", supported: "b"),
      .invalid(file: "f\n", field: "a\n", found: "\n", expected: "b"),
      .unexpectedTensor(file: "f\n", tensor: "t\n"),
      .weightType(file: "f\n", tensor: "t\n", found: "I8"), .tiedHeadDiffers(file: "f\n"),
      .tokenOutOfRange(id: 1, position: 2, vocabularySize: 3), .emptyPrompt(index: 4),
      .promptTooLong(index: 5, count: 6, maximum: 7), kernel,
      .notANumber(prompt: 1, position: 2, id: 3),
      .exceedsMemory(purpose: "it", byteCount: 2, available: 1),
    ]
    for error in errors {
      #expect(!error.description.contains("\n"))
      #expect(error.description.count > 10)
    }
    #expect(Set(errors.map(\.description)).count == errors.count)
  }
}
