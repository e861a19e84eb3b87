import Foundation
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATokenizers
import MeteoRATraining
import Testing

@testable import TinyTasks

@Suite("The base without weights")
struct TinyTokenizerTests {
  private func tokenizer() throws -> Tokenizer {
    try Tokenizer(contentsOf: SmallFolder.shared.get().file("base"))
  }

  @Test("a byte is its id, a word one token")
  func ids() throws {
    let tokenizer = try tokenizer()
    let ids = tokenizer.encode("Remove vowels: ab\n#key-2", addSpecialTokens: false)
    let words = try ["Remove", " vowels", "#key-2"].map { try #require(tokenizer.id(of: $0)) }
    let bytes = ": ab\n".utf8.map { Int($0) }
    #expect(ids == Array(words[..<2]) + bytes + [words[2]])
    #expect(tokenizer.endID == 256)
    #expect(tokenizer.encode("", addSpecialTokens: true).isEmpty)
    #expect(TinyVocabulary.count == 291)
  }

  @Test("any text comes back", arguments: ["é字😀", "\u{0}\u{7F}", " letters letters", "#key-11"])
  func roundTrip(text: String) throws {
    let tokenizer = try tokenizer()
    let ids = tokenizer.encode(text, addSpecialTokens: false)
    #expect(Array(tokenizer.decode(ids, skipSpecialTokens: true).utf8) == Array(text.utf8))
  }

  @Test("every sample comes back, and only bytes and words are needed")
  func samplesComeBack() throws {
    let folder = try SmallFolder.shared.get()
    let tokenizer = try tokenizer()
    for path in try folder.paths() where path.hasSuffix(".jsonl") {
      for sample in try folder.samples(path) {
        for text in [sample.prompt, sample.response] {
          let ids = tokenizer.encode(text, addSpecialTokens: false)
          #expect(Array(tokenizer.decode(ids, skipSpecialTokens: true).utf8) == Array(text.utf8))
          #expect(!ids.contains(TinyVocabulary.endID))
        }
      }
    }
  }

  @Test("the configuration is one that is read, and fits the tokenizer")
  func configuration() throws {
    let folder = try SmallFolder.shared.get()
    let configuration = try LlamaConfiguration(contentsOf: folder.file("base/config.json"))
    #expect(configuration.vocabularySize == TinyVocabulary.count)
    #expect(configuration.headDimension == 32 && configuration.keyValueHeads == 4)
    #expect(configuration.layerCount == 8 && configuration.tiesEmbeddings)
    #expect(configuration.ropeTheta == 10000 && configuration.normEpsilon == 1e-5)
    let special = try SpecialTokens(folder: folder.file("base"))
    #expect(special.endOfSequence == [256] && special.beginOfSequence == nil)
  }

  @Test("training reads the folders of the gates, with the spans of composites")
  func trainingReads() throws {
    let folder = try SmallFolder.shared.get()
    let names = TinyTask.allCases.map(\.name)
    let encoder = try SampleEncoder(
      tokenizer: tokenizer(), vocabularySize: TinyVocabulary.count,
      options: SampleEncoder.Options(addsEnd: true, maximumLength: TinyConfiguration.positions))
    let folders = try TaskFolders(
      in: folder.file("data/gates-mixed"), adapters: names, composites: ["mixed"])
    for split in [TrainingDataset.Split.train, .test] {
      let data = try TrainingDataset(split, of: folders, encoder: encoder)
      #expect(data.warnings.isEmpty && data.tasks.count == 15)
      let mixed = try #require(data.tasks.first { $0.name == "mixed" })
      for sample in data.samples[mixed.samples] {
        // A run for each request and each answer; the last one holds EOS.
        #expect(sample.gateRuns.count % 2 == 0)
        #expect(Set(sample.gateRuns.map(\.adapter)).count == sample.gateRuns.count / 2)
        #expect(sample.gateRuns.last?.tokens.upperBound == sample.ids.count)
      }
    }
  }
}
