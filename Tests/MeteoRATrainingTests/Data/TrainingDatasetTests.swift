import Foundation
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("Data sets and batches")
struct TrainingDatasetTests {
  /// Tasks of two adapters and a composite: the samples of `letters` are 2, 3, 4, … times `a`, those
  /// of `spaces` so many spaces.
  struct Example {
    let folder: TemporaryFolder
    let folders: TaskFolders

    init(letters: Int = 5, spaces: Int = 3, isGated: Bool = true) throws {
      folder = try TemporaryFolder()
      func line(_ text: String, _ count: Int) -> String {
        #"{"prompt":"\#(text)","response":"\#(String(repeating: text, count: count + 1))"}"# + "\n"
      }
      try folder.write(
        (0..<letters).map { line("a", $0) }.joined(), to: "letters/train.jsonl")
      try folder.write((0..<spaces).map { line(" ", $0) }.joined(), to: "spaces/train.jsonl")
      try folder.write(line("a", 0) + line("a", 1) + "broken", to: "letters/test.jsonl")
      try folder.write(line(" ", 0), to: "spaces/test.jsonl")
      if isGated {
        try folder.write(
          #"{"prompt":"a ","response":"a ","spans":[{"task":"spaces","start":1,"end":2},"#
            + #"{"task":"letters","start":2,"end":3}]}"#, to: "both/train.jsonl")
        folders = try TaskFolders(
          in: folder.url, adapters: ["spaces", "letters"], composites: ["both"])
      } else {
        folders = try TaskFolders(in: folder.url)
      }
    }

    func dataset(
      _ split: TrainingDataset.Split = .train, choice: TrainingDataset.Choice = .all,
      maximumLength: Int = 100
    ) throws -> TrainingDataset {
      try TrainingDataset(
        split, of: folders,
        encoder: SampleEncoder(
          tokenizer: SmallTokenizer.load(), vocabularySize: 10,
          options: SampleEncoder.Options(addsEnd: false, maximumLength: maximumLength)),
        choice: choice)
    }
  }

  @Test("samples are those of the folders in byte order, with the adapter of each")
  func readsTasks() throws {
    let dataset = try Example().dataset()
    #expect(dataset.tasks.map(\.name) == ["both", "letters", "spaces"])
    #expect(dataset.tasks.map(\.adapter) == [nil, 1, 0])
    #expect(dataset.tasks.map(\.samples) == [0..<1, 1..<6, 6..<9])
    #expect(dataset.samples.map(\.ids.count) == [4, 2, 3, 4, 5, 6, 2, 3, 4])
    #expect(dataset.samples[0].ids == [0, 4, 0, 4])
    #expect(
      dataset.samples[0].gateRuns == [
        TrainingSample.GateRun(tokens: 1..<2, adapter: 0),
        TrainingSample.GateRun(tokens: 2..<3, adapter: 1),
      ])
    #expect(dataset.samples[7].ids == [4, 4, 4])
    #expect(dataset.samples[7].promptCount == 1)
    #expect(
      dataset.samples[7].gateRuns == [TrainingSample.GateRun(tokens: 0..<3, adapter: 0)])
    #expect(dataset.warnings.isEmpty)
  }

  @Test("without adapters nothing is labelled for gates")
  func readsWithoutAdapters() throws {
    let dataset = try Example(isGated: false).dataset()
    #expect(dataset.tasks.map(\.name) == ["letters", "spaces"])
    #expect(dataset.samples.count == 8)
    #expect(dataset.samples.map(\.gateRuns) == .init(repeating: [], count: 8))
  }

  @Test("of the held-out samples the first are read, and no line behind them")
  func readsFirst() throws {
    let example = try Example(isGated: false)
    let dataset = try example.dataset(.test, choice: .first(2))
    #expect(dataset.tasks.map(\.samples) == [0..<2, 2..<3])
    #expect(dataset.samples.map(\.ids) == [[0, 0], [0, 0, 0], [4, 4]])
    #expect(throws: TrainingDataError.self) { try example.dataset(.test, choice: .first(3)) }
    #expect(throws: TrainingDataError.self) { try example.dataset(.test) }
  }

  @Test("a balanced choice takes as many of each task, in the order of the file")
  func balances() throws {
    let example = try Example(letters: 12, spaces: 10, isGated: false)
    let dataset = try example.dataset(choice: .balanced(3, seed: 42))
    #expect(dataset.tasks.map(\.samples) == [0..<3, 3..<6])
    let letters = SampleOrder.chosen(3, of: 12, seed: 42)
    #expect(dataset.samples[..<3].map(\.ids.count) == letters.map { $0 + 2 })
    // The known answer of SampleOrderTests.
    #expect(dataset.samples[3...].map(\.ids.count) == [6, 7, 8].map { $0 + 2 })
    #expect(dataset.warnings.isEmpty)
  }

  @Test("of a task that is too small all samples are taken, and a warning tells it")
  func warnsOfSmallTasks() throws {
    let dataset = try Example(isGated: false).dataset(choice: .balanced(4, seed: 0))
    #expect(dataset.tasks.map(\.samples) == [0..<4, 4..<7])
    #expect(dataset.warnings == ["of 4 samples of each task, fewer are in 'spaces' (3)"])
  }

  @Test("samples that are cut are counted in one warning")
  func warnsOfCutSamples() throws {
    let dataset = try Example().dataset(maximumLength: 4)
    #expect(dataset.samples.map(\.ids.count) == [4, 2, 3, 4, 4, 4, 2, 3, 4])
    #expect(
      dataset.warnings == [
        "2 of 9 samples have more than 4 tokens and were cut there; the longest has 6"
      ])
  }

  @Test("a file without lines, a missing file and a broken line are errors")
  func refusesFiles() throws {
    let example = try Example(isGated: false)
    let file = example.folder.url.appendingPathComponent("spaces/train.jsonl")
    try example.folder.write("", to: "spaces/train.jsonl")
    #expect(throws: TrainingDataError.noSamples(file: file.path)) { try example.dataset() }
    try example.folder.write("{}", to: "spaces/train.jsonl")
    let error = #expect(throws: TrainingDataError.self) { try example.dataset() }
    #expect(
      error?.description.hasPrefix("\(file.path):1:1 (byte 0): field 'prompt' is missing") == true)
    try FileManager.default.removeItem(at: file)
    #expect(throws: TrainingDataError.file(.notFound(path: file.path))) { try example.dataset() }
    #expect(throws: TrainingDataError.self) { try Example().dataset(.test, choice: .first(1)) }
  }

  @Test("an amount below one is an error", arguments: [Int.min, -1, 0])
  func refusesAmounts(amount: Int) throws {
    let example = try Example()
    for choice in [TrainingDataset.Choice.first(amount), .balanced(amount, seed: 0)] {
      #expect(
        throws: TrainingDataError.setting(
          "the number of samples of each task", found: amount,
          expected: 1...SampleOrder.largestCount)
      ) {
        try example.dataset(choice: choice)
      }
    }
  }

  @Test("reading can be stopped")
  func stops() throws {
    let example = try Example()
    let encoder = try SampleEncoder(
      tokenizer: SmallTokenizer.load(), vocabularySize: 10,
      options: SampleEncoder.Options(addsEnd: false, maximumLength: 9))
    var asked = 0
    #expect(
      throws: TrainingDataError.cancelled(
        file: example.folder.url.appendingPathComponent("letters/train.jsonl").path)
    ) {
      try TrainingDataset(.train, of: example.folders, encoder: encoder) {
        asked += 1
        return asked == 3
      }
    }
    #expect(asked == 3)
  }
}
