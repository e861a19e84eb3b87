import Foundation
import MeteoRAFixtures
import MeteoRAKernels
import MeteoRATestSupport
import Testing

@testable import MeteoRALlama

/// Models of different shapes, by what is particular about them.
enum ForwardModel: String, CaseIterable, Sendable {
  case groupedQueries = "gqa-sharded/base"
  case tiedHeads = "mha-tied/base"
  case halvesAndBiases = "bias-f16"
  case tiny

  func load() throws -> LlamaModel {
    if self == .tiny { return try TinyModel().load() }
    let folder = try #require(GoldenPack.directory)
    return try LlamaModel(folder: folder.appendingPathComponent("models/\(rawValue)"))
  }
}

extension LlamaModel {
  /// Token ids, the same for every seed.
  func tokens(_ count: Int, seed: UInt64 = 1) -> [Int] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in random.next(below: configuration.vocabularySize) }
  }

  /// The logits of all rows of one forward pass.
  func forward(
    _ parts: [(tokens: [Int], state: SequenceState)], threads: Int = 1
  ) throws -> [Float] {
    try forward(
      parts.enumerated().map { SequenceInput(id: $0, tokens: $1.tokens, state: $1.state) },
      logits: .all, evaluator: PlainEvaluator(), parallelism: Parallelism(threads: threads))
  }

  /// The logits of all tokens, run in parts of the given lengths; the last is repeated.
  func logits(of tokens: [Int], inPartsOf lengths: [Int]) throws -> [Float] {
    let state = SequenceState(for: configuration)
    var logits: [Float] = []
    var first = 0
    var lengths = lengths[...]
    while first < tokens.count {
      let length = min(lengths.first ?? 1, tokens.count - first)
      if lengths.count > 1 { lengths.removeFirst() }
      logits += try forward([(Array(tokens[first..<first + length]), state)])
      first += length
    }
    return logits
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

@Suite("The forward pass gives the same bits")
struct ForwardInvarianceTests {
  @Test(
    "in parts of any length", arguments: ForwardModel.allCases,
    [[1], [3], [128], [129], [1, 127, 1, 2], [130, 1, 1]])
  func parts(kind: ForwardModel, lengths: [Int]) throws {
    let model = try kind.load()
    let tokens = model.tokens(kind == .tiny ? 270 : 140)
    let whole = try model.logits(of: tokens)
    #expect(whole.contains { $0 != whole[0] })
    #expect(firstDifference(try model.logits(of: tokens, inPartsOf: lengths), whole) == nil)
  }

  @Test("alone and in a batch, prompts beside single tokens", arguments: ForwardModel.allCases)
  func batches(kind: ForwardModel) throws {
    let model = try kind.load()
    let width = model.configuration.vocabularySize
    let sequences = [1, 5, 130, 2, 33].enumerated().map { model.tokens($1, seed: UInt64($0 + 1)) }
    let alone = try sequences.map { try model.logits(of: $0) }
    let states = sequences.map { _ in SequenceState(for: model.configuration) }
    // First all prompts but the last token of some, then what is left.
    let cuts = sequences.enumerated().map { $0 % 2 == 0 ? $1.count : $1.count - 1 }
    var first = try model.forward(
      sequences.indices.map { (Array(sequences[$0][..<cuts[$0]]), states[$0]) })[...]
    var rest = try model.forward(
      [1, 3].map { (Array(sequences[$0][cuts[$0]...]), states[$0]) })[...]
    for (index, expected) in alone.enumerated() {
      var actual = Array(first.prefix(cuts[index] * width))
      first = first.dropFirst(cuts[index] * width)
      if index % 2 == 1 {
        actual += rest.prefix(width)
        rest = rest.dropFirst(width)
      }
      #expect(firstDifference(actual, expected) == nil)
    }
    #expect(first.isEmpty && rest.isEmpty)
  }

  @Test("in any number of threads", arguments: ForwardModel.allCases, [2, 5, 64])
  func threads(kind: ForwardModel, threads: Int) throws {
    let model = try kind.load()
    let tokens = model.tokens(37)
    let parallelism = try Parallelism(threads: threads)
    let serial = try model.logits(of: tokens)
    #expect(firstDifference(try model.logits(of: tokens, parallelism: parallelism), serial) == nil)
  }

  @Test("packed by any number of threads")
  func packing() throws {
    let folder = try #require(GoldenPack.directory).appendingPathComponent("models/mha-tied/base")
    let serial = try LlamaModel(folder: folder)
    let parallel = try LlamaModel(folder: folder, parallelism: Parallelism(threads: 5))
    let tokens = serial.tokens(9)
    #expect(firstDifference(try parallel.logits(of: tokens), try serial.logits(of: tokens)) == nil)
  }

  @Test("of all positions, however many passes they take", arguments: [511, 512, 513, 640])
  func passes(count: Int) throws {
    let model = try ForwardModel.tiny.load()
    let tokens = model.tokens(count)
    let whole = try model.forward([(tokens, SequenceState(for: model.configuration))])
    #expect(firstDifference(try model.logits(of: tokens), whole) == nil)
  }

  @Test("the last rows alone are the last rows of all")
  func lastRows() throws {
    let model = try ForwardModel.groupedQueries.load()
    let width = model.configuration.vocabularySize
    let sequences = [3, 1, 7].map { model.tokens($0, seed: UInt64($0)) }
    let inputs = {
      sequences.map { SequenceInput(tokens: $0, state: SequenceState(for: model.configuration)) }
    }
    let all = try model.forward(
      inputs(), logits: .all, evaluator: PlainEvaluator(), parallelism: .serial)
    let last = try model.forward(
      inputs(), logits: .last, evaluator: PlainEvaluator(), parallelism: .serial)
    let expected = [2, 3, 10].flatMap { all[$0 * width..<($0 + 1) * width] }
    #expect(firstDifference(last, expected) == nil)
  }

  @Test("it refuses sequences that cannot be run")
  func refusals() throws {
    let model = try ForwardModel.tiny.load()
    #expect(throws: LlamaError.emptyPrompt(index: 0)) { try model.logits(of: []) }
    for id in [-1, 11, Int.max, Int.min] {
      let error = LlamaError.tokenOutOfRange(id: id, position: 1, vocabularySize: 11)
      #expect(throws: error) { try model.logits(of: [0, id]) }
      #expect(throws: error) {
        try model.forward([([0, id], SequenceState(for: model.configuration))])
      }
    }
    #expect(throws: LlamaError.promptTooLong(index: 0, count: 641, maximum: 640)) {
      try model.logits(of: [Int](repeating: 1, count: 641))
    }
    #expect(throws: LlamaError.emptyPrompt(index: 0)) {
      try model.forward([([], SequenceState(for: model.configuration))])
    }
  }
}
