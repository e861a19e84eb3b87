import Foundation
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRA

@Suite("The memory that a trace needs")
struct TraceMemoryTests {
  private let memory = Int(clamping: ProcessInfo.processInfo.physicalMemory)
  /// Positions whose keys and values are kept together.
  private static let block = 128

  /// Bytes of the tensors of a trace.
  private func byteCount(_ trace: [TraceTensor]) -> Int {
    trace.reduce(0) { sum, tensor in
      switch tensor.values {
      case .float32(let values): sum + values.count * 4
      case .int64(let values): sum + values.count * 8
      }
    }
  }

  @Test(
    "one that the machine has no memory for is refused before a token is run",
    arguments: [TraceDetail.summary, .everything])
  func collected(detail: TraceDetail) throws {
    var bundle = TinyBundle()
    let vocabulary = 1 << 18
    bundle.base.fields["vocab_size"] = "\(vocabulary)"
    bundle.base.fields["max_position_embeddings"] = "\(1 << 28)"
    for name in ["model.embed_tokens.weight", "lm_head.weight"] {
      bundle.base.tensors[name] = TinyModel.Tensor(.bf16, [vocabulary, 8])
    }
    let model = try bundle.load()
    let row = try byteCount(model.trace([1], detail: detail))
    let cache = SequenceState(for: model.base.configuration)
    _ = try model.base.forward(
      [SequenceInput(tokens: [1], state: cache)], logits: .last,
      evaluator: try model.evaluator(for: .noAdapters), parallelism: .serial)
    let tokens = memory / row + 1
    let blocks = (tokens + Self.block - 1) / Self.block
    #expect(
      throws: MeteoRAError.llama(
        .exceedsMemory(
          purpose: "the trace of \(tokens) tokens",
          byteCount: tokens * row + blocks * cache.byteCount, available: memory))
    ) {
      try model.trace([Int](repeating: 1, count: tokens), detail: detail)
    }
  }

  @Test("a file is not begun for a sequence whose keys and values the machine has no memory for")
  func written() throws {
    var tiny = TinyModel()
    // Two layers of 4 heads: 4 MiB of keys and values a position.
    let (dimension, heads) = (65536, 4)
    let width = heads * dimension
    tiny.fields["head_dim"] = "\(dimension)"
    tiny.fields["num_key_value_heads"] = "\(heads)"
    tiny.fields["max_position_embeddings"] = "\(1 << 28)"
    for layer in 0..<2 {
      for name in ["q_proj", "k_proj", "v_proj"] {
        tiny.tensors["model.layers.\(layer).self_attn.\(name).weight"] = .init(.bf16, [width, 8])
      }
      tiny.tensors["model.layers.\(layer).self_attn.o_proj.weight"] = .init(.bf16, [8, width])
    }
    let folder = try tiny.folder()
    let model = try MeteoRAModel(contentsOf: folder.url, parallelism: .serial)
    let output = try TemporaryFolder()
    let position = 2 * 2 * 4 * width
    let tokens = memory / position / Self.block * Self.block + 1
    let prompts = [
      NamedPrompt(name: "a", tokens: [1]),
      NamedPrompt(name: "b", tokens: [Int](repeating: 1, count: tokens)),
    ]
    #expect(
      throws: MeteoRAError.llama(
        .exceedsMemory(
          purpose: "the keys and values of the sequences",
          byteCount: (tokens - 1 + Self.block) * position, available: memory))
    ) {
      try model.writeTrace(
        of: prompts, to: output.url.appendingPathComponent("t.safetensors")
      ) { _, _ in
        Issue.record("a token is run")
        return false
      }
    }
    #expect(try output.names().isEmpty)
  }
}
