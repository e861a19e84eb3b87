import Foundation
import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRA

@Suite("A trace")
struct TraceTests {
  private static let tokens = [1, 5, 2, 9, 0]
  private static let modes: [MeteoRAModel.Mode] = [.routed, .noAdapters, .singleAdapter("second")]

  /// The names and shapes of a tensor's rows, as the docs list them.
  private func expected(
    _ mode: MeteoRAModel.Mode, _ detail: TraceDetail
  ) -> [String: [Int]] {
    var shapes = ["logits": [11], "final_norm": [8]]
    if detail == .everything { shapes["embeddings"] = [8] }
    for layer in 0..<2 {
      let path = "layers.\(layer)"
      shapes["\(path).hidden"] = [8]
      if detail == .everything {
        for name in ["input_norm", "post_attention_norm", "attention"] {
          shapes["\(path).\(name)"] = [8]
        }
        shapes["\(path).q_rope"] = [4, 2]
        shapes["\(path).k_rope"] = [2, 2]
      }
      for module in LinearModule.allCases {
        let shape = TinyBundle.shape(of: module)
        let module = "\(path).\(module.rawValue)"
        let isChanged: Bool
        switch mode {
        case .noAdapters: isChanged = false
        case .routedAmong: isChanged = !module.hasSuffix("k_proj")
        case .singleAdapter:
          isChanged = ["q_proj", "v_proj", "down_proj"].contains { module.hasSuffix($0) }
        }
        if detail == .everything {
          shapes["\(module).input"] = [shape.in]
          shapes["\(module).base"] = [shape.out]
          shapes["\(module).output"] = [shape.out]
          if isChanged { shapes["\(module).delta"] = [shape.out] }
        }
        if mode.isRouted, isChanged {
          shapes["\(module).gate_logits"] = [3]
          shapes["\(module).selected"] = [2]
          shapes["\(module).weights"] = [2]
        }
      }
    }
    return shapes
  }

  @Test(
    "it has the names and shapes that the docs list", arguments: modes,
    [TraceDetail.summary, .everything])
  func shapes(mode: MeteoRAModel.Mode, detail: TraceDetail) throws {
    let model = try TinyBundle().load()
    let trace = try model.trace(Self.tokens, mode: mode, detail: detail)
    let expected = expected(mode, detail)
    #expect(Set(trace.map(\.name)) == Set(expected.keys))
    #expect(trace.count == expected.count)
    for tensor in trace {
      #expect(tensor.shape == [5] + (expected[tensor.name] ?? []), "\(tensor.name)")
      let count = tensor.shape.reduce(1, *)
      switch tensor.values {
      case .float32(let values):
        #expect(values.count == count && !tensor.name.hasSuffix(".selected"), "\(tensor.name)")
      case .int64(let values):
        #expect(values.count == count && tensor.name.hasSuffix(".selected"), "\(tensor.name)")
      }
    }
  }

  @Test("that of a plain model has no gate entries")
  func plain() throws {
    let folder = try TinyModel().folder()
    let model = try MeteoRAModel(contentsOf: folder.url)
    let trace = try model.trace(Self.tokens, detail: .everything)
    #expect(Set(trace.map(\.name)) == Set(expected(.noAdapters, .everything).keys))
  }

  /// The floats of a tensor.
  private func floats(_ name: String, _ trace: [TraceTensor]) throws -> [Float] {
    let tensor = try #require(trace.first { $0.name == name })
    guard case .float32(let values) = tensor.values else {
      Issue.record("\(name) is no float tensor")
      return []
    }
    return values
  }

  @Test("its values fit together", arguments: modes)
  func values(mode: MeteoRAModel.Mode) throws {
    let model = try TinyBundle().load()
    let trace = try model.trace(Self.tokens, mode: mode, detail: .everything)
    #expect(
      firstDifference(try floats("logits", trace), try model.logits(of: Self.tokens, mode: mode))
        == nil)
    for layer in 0..<2 {
      let path = "layers.\(layer)"
      for module in LinearModule.allCases.map({ "\(path).\($0.rawValue)" }) {
        let base = try floats("\(module).base", trace)
        let output = try floats("\(module).output", trace)
        if trace.contains(where: { $0.name == "\(module).delta" }) {
          let delta = try floats("\(module).delta", trace)
          #expect(firstDifference(zip(base, delta).map { $0 + $1 }, output) == nil)
          #expect(delta.contains { $0 != 0 })
        } else {
          #expect(firstDifference(base, output) == nil)
        }
      }
      // The residual stream: before, plus o_proj, plus down_proj.
      let before = try floats(layer == 0 ? "embeddings" : "layers.0.hidden", trace)
      let attended = try zip(before, floats("\(path).o_proj.output", trace)).map { $0 + $1 }
      let hidden = try zip(attended, floats("\(path).down_proj.output", trace)).map { $0 + $1 }
      #expect(firstDifference(hidden, try floats("\(path).hidden", trace)) == nil)
      #expect(
        try floats("\(path).q_proj.input", trace) == floats("\(path).input_norm", trace))
      #expect(
        try floats("\(path).o_proj.input", trace) == floats("\(path).attention", trace))
      #expect(
        try floats("\(path).up_proj.input", trace) == floats("\(path).post_attention_norm", trace))
    }
  }

  @Test("its logits are those of the model beyond the rows of one pass", arguments: modes)
  func longTrace(mode: MeteoRAModel.Mode) throws {
    let model = try TinyBundle().load()
    let tokens = model.tokens(300)
    let trace = try model.trace(tokens, mode: mode)
    let expected = try model.logits(of: tokens, mode: mode)
    #expect(firstDifference(try floats("logits", trace), expected) == nil)
  }

  @Test("its choices are those of the router's k and temperature", arguments: [1, 2, 3])
  func choices(topK: Int) throws {
    var bundle = TinyBundle()
    bundle.manifest["router"] = "{\"top_k\":\(topK),\"temperature\":0.75}"
    let trace = try bundle.load().trace(Self.tokens)
    for module in LinearModule.allCases where module != .key {
      let path = "layers.1.\(module.rawValue)"
      let routing = try Routing(
        logits: floats("\(path).gate_logits", trace), tokens: 5, adapterCount: 3, topK: topK,
        temperature: 0.75)
      let choices = (0..<5).flatMap { routing.selected(token: $0) }
      let selected = try #require(trace.first { $0.name == "\(path).selected" })
      #expect(selected.values == .int64(choices.map { Int64($0.adapter) }))
      #expect(firstDifference(try floats("\(path).weights", trace), choices.map(\.weight)) == nil)
    }
  }

  @Test("the file holds what the trace in memory holds", arguments: modes)
  func file(mode: MeteoRAModel.Mode) throws {
    let model = try TinyBundle().load()
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("t.safetensors")
    // More tokens than a forward pass of a trace takes.
    let long = model.tokens(300)
    let prompts = [
      NamedPrompt(name: "a", tokens: Self.tokens), NamedPrompt(name: "é/x", tokens: long),
    ]
    try model.writeTrace(of: prompts, mode: mode, detail: .everything, to: url)
    let file = try SafetensorsFile(contentsOf: url)
    var count = 0
    for (prefix, tokens) in [("a/", Self.tokens), ("é/x/", long)] {
      for tensor in try model.trace(tokens, mode: mode, detail: .everything) {
        let stored = try file.tensor(named: prefix + tensor.name, shape: tensor.shape)
        switch tensor.values {
        case .float32(let values):
          #expect(firstDifference(try stored.float32Values(), values) == nil, "\(tensor.name)")
        case .int64(let values): #expect(try stored.int64Values() == values, "\(tensor.name)")
        }
        count += 1
      }
    }
    #expect(file.tensors.count == count)
    #expect(try folder.names() == ["t.safetensors"])
    // A prompt without a name stands alone.
    try model.writeTrace(of: [NamedPrompt(tokens: Self.tokens)], mode: mode, to: url)
    #expect(try SafetensorsFile(contentsOf: url).tensorIfPresent(named: "logits") != nil)
  }

  @Test("one that fails leaves no file, and an older one as it was")
  func failures() throws {
    let model = try TinyBundle().load()
    let folder = try TemporaryFolder()
    let good = NamedPrompt(name: "a", tokens: [1])
    let failing: [(prompts: [NamedPrompt], mode: MeteoRAModel.Mode?)] = [
      ([good, NamedPrompt(name: "b", tokens: [])], nil),
      ([good, NamedPrompt(name: "b", tokens: [11])], nil),
      ([good, NamedPrompt(name: "b", tokens: [Int](repeating: 0, count: 641))], nil),
      ([good, good], nil), ([NamedPrompt(tokens: [1]), NamedPrompt(tokens: [2])], nil),
      ([good], .singleAdapter("x")),
    ]
    let url = folder.url.appendingPathComponent("t.safetensors")
    for old in [nil, "old"] {
      if let old { try folder.write(old, to: "t.safetensors") }
      for (prompts, mode) in failing {
        #expect(throws: MeteoRAError.self) {
          try model.writeTrace(of: prompts, mode: mode, to: url)
        }
        #expect(try folder.names() == (old == nil ? [] : ["t.safetensors"]))
        if let old { #expect(try String(contentsOf: url, encoding: .utf8) == old) }
      }
    }
    #expect(throws: MeteoRAError.cancelled(path: url.path)) {
      try model.writeTrace(of: [good, NamedPrompt(name: "b", tokens: [2])], to: url) {
        done, total in
        #expect(total == 2)
        return done < 1
      }
    }
    #expect(try folder.names() == ["t.safetensors"])
    #expect(throws: MeteoRAError.self) {
      try model.writeTrace(of: [good], to: folder.url.appendingPathComponent("no/t.safetensors"))
    }
    #expect(throws: MeteoRAError.llama(.emptyPrompt(index: 0))) { try model.trace([]) }
  }
}
