import Foundation
import MeteoRATestSupport
import Testing

@testable import MeteoRALlama

@Suite("The memory that a run needs")
struct MemoryDemandTests {
  private let memory = Int(clamping: ProcessInfo.processInfo.physicalMemory)

  @Test("it adds up without overflow")
  func addsUp() {
    var demand = MemoryDemand()
    demand.add(3, times: 5)
    demand.add(2, times: 1)
    #expect(demand.byteCount == 17)
    demand.add(Int.max, times: 2)
    #expect(demand.byteCount == Int.max)
    demand.add(1, times: 1)
    #expect(demand.byteCount == Int.max)
    #expect(throws: LlamaError.self) { try demand.require(for: "it") }
  }

  @Test("it may be all that the machine has, and not a byte more")
  func limit() throws {
    var demand = MemoryDemand()
    demand.add(1, times: memory)
    try demand.require(for: "it")
    demand.add(1, times: 1)
    let error = LlamaError.exceedsMemory(
      purpose: "it", byteCount: memory + 1, available: memory)
    #expect(throws: error) { try demand.require(for: "it") }
    #expect(error.description.hasPrefix("it would take \(memory + 1) bytes, expected at most"))
  }

  @Test("logits of more positions than it holds are refused before the first is run")
  func logits() throws {
    var tiny = TinyModel()
    let vocabulary = 1 << 18
    tiny.fields["vocab_size"] = "\(vocabulary)"
    tiny.fields["max_position_embeddings"] = "\(1 << 28)"
    for name in ["model.embed_tokens.weight", "lm_head.weight"] {
      tiny.tensors[name] = TinyModel.Tensor(.bf16, [vocabulary, 8])
    }
    let model = try tiny.load()
    let tokens = [Int](repeating: 1, count: memory / (4 * vocabulary) + 1)
    let error = try #require(throws: LlamaError.self) { try model.logits(of: tokens) }
    guard case .exceedsMemory(let purpose, let bytes, memory) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(purpose == "the logits of all \(tokens.count) positions")
    #expect(bytes > 4 * vocabulary * tokens.count)
    #expect(try model.logits(of: [1]).count == vocabulary)
  }

  @Test("a pass has 512 rows, and fewer in a model of vast width")
  func rows() throws {
    #expect(try ForwardModel.tiny.load().rowsAtATime == 512)
    for (vocabulary, rows) in [(1 << 17, 512), (1 << 17 + 1, 511), (1 << 18, 256)] {
      var tiny = TinyModel()
      tiny.fields["vocab_size"] = "\(vocabulary)"
      for name in ["model.embed_tokens.weight", "lm_head.weight"] {
        tiny.tensors[name] = TinyModel.Tensor(.bf16, [vocabulary, 8])
      }
      #expect(try tiny.load().rowsAtATime == rows)
    }
  }
}
