import Foundation
import MeteoRAKernels
import MeteoRATestSupport
import Testing

@testable import MeteoRALlama

@Suite("Passes of a batch")
struct PassTests {
  /// What each pass had to run, and what the body was called with.
  private func passes(
    _ counts: [Int], of model: LlamaModel
  ) throws -> (rows: [[Int]], batches: [Range<Int>]) {
    let recorder = PassRecorder()
    var batches: [Range<Int>] = []
    let inputs = counts.enumerated().map { index, count in
      SequenceInput(
        id: index, tokens: model.tokens(count), state: SequenceState(for: model.configuration))
    }
    try model.forwardInPasses(
      inputs, evaluator: PlainEvaluator(), observer: recorder, parallelism: .serial
    ) { batch, logits in
      batches.append(batch)
      #expect(logits.count == batch.count * model.configuration.vocabularySize)
    }
    #expect(zip(inputs, counts).allSatisfy { $0.state.count == $1 })
    return (recorder.rows, batches)
  }

  @Test("none has more than 512 rows, and each takes as many sequences as fit")
  func cuts() throws {
    let model = try TinyModel().load()
    let one = try passes([3, 509], of: model)
    #expect(one.rows == [[3, 509]] && one.batches == [0..<2])
    let two = try passes([3, 510, 2], of: model)
    #expect(two.rows == [[3], [0, 510, 2]] && two.batches == [0..<1, 1..<3])
    let long = try passes([1, 513, 640, 512], of: model)
    #expect(
      long.rows == [[0, 512], [0, 0, 512], [1, 1, 128], [0, 0, 0, 512]])
    #expect(long.batches == [0..<3, 3..<4])
    let none = try passes([], of: model)
    #expect(none.rows.isEmpty && none.batches.isEmpty)
  }

  @Test("the logits after each sequence are those of the sequence alone")
  func lastLogits() throws {
    let model = try TinyModel().load()
    let width = model.configuration.vocabularySize
    let sequences = [1, 513, 640, 512, 7].map { model.tokens($0, seed: UInt64($0)) }
    let logits = try model.lastLogits(
      of: sequences, evaluator: PlainEvaluator(), parallelism: .serial)
    let alone = try sequences.flatMap { try model.logits(of: $0).suffix(width) }
    #expect(firstDifference(logits, alone) == nil)
  }

  @Test("no batch is run that has a sequence too long, or more of them than memory has room for")
  func refusals() throws {
    var tiny = TinyModel()
    // A megabyte of logits after each sequence, so that few have more than memory has room for.
    let vocabulary = 1 << 18
    tiny.fields["vocab_size"] = "\(vocabulary)"
    for name in ["model.embed_tokens.weight", "lm_head.weight"] {
      tiny.tensors[name] = .init(.bf16, [vocabulary, 8])
    }
    let model = try tiny.load()
    func run(_ sequences: [[Int]]) throws -> [Float] {
      try model.lastLogits(of: sequences, evaluator: PlainEvaluator(), parallelism: .serial)
    }
    #expect(throws: LlamaError.emptyPrompt(index: 1)) { try run([[1], []]) }
    #expect(throws: LlamaError.promptTooLong(index: 1, count: 641, maximum: 640)) {
      try run([[1], [Int](repeating: 1, count: 641)])
    }
    let memory = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    let state = SequenceState(for: model.configuration)
    _ = try model.forward([([1], state)])
    let each = state.byteCount + model.configuration.vocabularySize * 4
    let count = memory / each + 1
    #expect(
      throws: LlamaError.exceedsMemory(
        purpose: "the logits after \(count) sequences", byteCount: count * each,
        available: memory)
    ) {
      try run([[Int]](repeating: [1], count: count))
    }
  }
}

/// Remembers the rows of every pass, by the ids of the sequences.
private final class PassRecorder: ForwardObserver {
  var rows: [[Int]] = []

  func begin(rows: [RowOrigin]) {
    var counts = [Int](repeating: 0, count: (rows.map(\.sequence).max() ?? -1) + 1)
    for row in rows { counts[row.sequence] += 1 }
    self.rows.append(counts)
  }

  func wants(_ point: TracePoint) -> Bool { false }

  func observe(_ point: TracePoint, _ values: UnsafePointer<Float>, width: Int) {}
}
