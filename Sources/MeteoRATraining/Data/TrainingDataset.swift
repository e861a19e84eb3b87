import Foundation

/// The samples of some tasks as token ids: those of the first folder in the order of its file, then
/// those of the second, and so on.
package struct TrainingDataset: Sendable {
  /// The file of a task that is read.
  package enum Split: String, Sendable {
    /// `train.jsonl`.
    case train
    /// `test.jsonl`, which training never sees.
    case test

    /// Its name in the folder of a task.
    package var fileName: String { "\(rawValue).jsonl" }
  }

  /// Which samples of each task are taken.
  package enum Choice: Sendable, Equatable {
    case all
    /// The first so many; lines behind them are not looked at.
    case first(Int)
    /// So many, drawn at random; of a task that has no more, all.
    case balanced(Int, seed: UInt64)
  }

  /// The part of a task.
  package struct Task: Sendable, Equatable {
    package var name: String
    /// The index of its adapter; `nil` of a composite, and where no gates are trained.
    package var adapter: Int?
    /// Indices of ``TrainingDataset/samples``, at least one.
    package var samples: Range<Int>
  }

  package let samples: [TrainingSample]
  /// In the order of the samples.
  package let tasks: [Task]
  /// What a person should know, a sentence each: samples that were cut, tasks that are too small.
  package let warnings: [String]

  /// Samples that are there already, of one task without a name.
  package init(samples: [TrainingSample]) {
    self.samples = samples
    tasks = [Task(name: "", adapter: nil, samples: samples.indices)]
    warnings = []
  }

  /// Reads and encodes samples.
  ///
  /// - Parameter isCancelled: Asked before every sample.
  /// - Throws: ``TrainingDataError``.
  package init(
    _ split: Split, of folders: TaskFolders, encoder: SampleEncoder, choice: Choice = .all,
    isCancelled: () -> Bool = { false }
  ) throws(TrainingDataError) {
    try choice.check()
    var samples: [TrainingSample] = []
    var tasks: [Task] = []
    for folder in folders.tasks {
      let first = samples.count
      samples += try choice.taken(
        of: Self.samples(
          of: folder, split, adapters: folders.adapters, encoder: encoder,
          limit: choice.readLimit, isCancelled: isCancelled))
      tasks.append(
        Task(name: folder.name, adapter: folder.adapter, samples: first..<samples.count))
    }
    self.samples = samples
    self.tasks = tasks
    warnings =
      [Self.cutWarning(samples, maximumLength: encoder.maximumLength)].compactMap(\.self)
      + choice.warnings(tasks)
  }

  /// The samples of a file, at least one.
  private static func samples(
    of task: TaskFolders.Task, _ split: Split, adapters: [String]?, encoder: SampleEncoder,
    limit: Int, isCancelled: () -> Bool
  ) throws(TrainingDataError) -> [TrainingSample] {
    let file = task.url.appendingPathComponent(split.fileName)
    var reader = try SampleReader(file, adapters: adapters, needsSpans: task.isComposite)
    var samples: [TrainingSample] = []
    while samples.count < limit, let text = try reader.next() {
      if isCancelled() { throw .cancelled(file: file.path) }
      samples.append(try encoder.encode(text, adapter: task.adapter, file: file.path))
    }
    guard !samples.isEmpty else { throw .noSamples(file: file.path) }
    return samples
  }

  /// One sentence for all samples that were cut.
  private static func cutWarning(_ samples: [TrainingSample], maximumLength: Int) -> String? {
    let lengths = samples.filter(\.isCut).map(\.fullCount)
    guard let longest = lengths.max() else { return nil }
    return "\(lengths.count) of \(samples.count) samples have more than \(maximumLength) tokens "
      + "and were cut there; the longest has \(longest)"
  }
}

extension TrainingDataset.Choice {
  fileprivate func check() throws(TrainingDataError) {
    switch self {
    case .all: break
    case .first(let amount), .balanced(let amount, _):
      let amounts = 1...SampleOrder.largestCount
      guard amounts.contains(amount) else {
        throw .setting("the number of samples of each task", found: amount, expected: amounts)
      }
    }
  }

  /// How many lines of a file are read at most; one more than there can be samples.
  fileprivate var readLimit: Int {
    guard case .first(let amount) = self else { return SampleOrder.largestCount + 1 }
    return amount
  }

  fileprivate func taken(of samples: [TrainingSample]) -> [TrainingSample] {
    guard case .balanced(let amount, let seed) = self else { return samples }
    return SampleOrder.chosen(amount, of: samples.count, seed: seed).map { samples[$0] }
  }

  fileprivate func warnings(_ tasks: [TrainingDataset.Task]) -> [String] {
    guard case .balanced(let amount, _) = self else { return [] }
    let small = tasks.filter { $0.samples.count < amount }
    if small.isEmpty { return [] }
    let names = NameList(small.map(\.name)) { name in
      small.first { $0.name.utf8.elementsEqual(name.utf8) }.map { " (\($0.samples.count))" }
    }
    return ["of \(amount) samples of each task, fewer are in \(names)"]
  }
}
