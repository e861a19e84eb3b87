import Foundation
import MeteoRAEvaluation
import MeteoRASafetensors

/// The folder that everything of the trained bundle is made from:
///
///     base/                      config.json, generation_config.json, tokenizer.json,
///                                tokenizer_config.json: a base without weights
///     data/base/base/            what the base is trained on
///     data/singles/TASK/         first rung: single requests, for adapters and gates
///     data/adapters-lists/TASK/  second rung, for adapters: lists too, some among requests by code
///     data/gates-lists/TASK/     second rung, for gates: lists of one task too
///     data/gates-mixed/TASK/     third rung, for gates: as before,
///     data/gates-mixed/mixed/    and composites of two to five tasks
///     data/composites/composite-3/, composite-5/     tests alone
///
/// Every folder of a task holds train.jsonl, test.jsonl and task.json. The tests of a task are the
/// same single requests on every rung. One adapter for all tasks is trained on the same folders.
package struct TinyDataFolder {
  private let size: TinyDataSize
  private let seed: UInt64
  private let folder: NewFolder

  /// The tokens of an item of the longest answer, its number and line feed or the end of the text,
  /// and some to spare.
  private static let itemTokens = 40

  /// Makes the folder; it takes its place once it is complete.
  ///
  /// - Parameters:
  ///   - url: Where nothing is yet, in a folder that is there.
  ///   - seed: Any number; each makes other samples.
  /// - Throws: ``TinyDataError``.
  package static func write(
    to url: URL, seed: UInt64, size: TinyDataSize = .full
  ) throws(TinyDataError) {
    try size.check()
    let new: NewFolder
    do throws(FileAccessError) {
      new = try NewFolder(creating: url, prefix: ".tiny-data-")
    } catch {
      throw .file(error)
    }
    let folder = TinyDataFolder(size: size, seed: seed, folder: new)
    try folder.writeBase()
    try folder.writeBaseData()
    for task in TinyTask.allCases { try folder.writeData(of: task) }
    try folder.writeMixed()
    for (length, count) in [(3, size.composites3), (5, size.composites5)] {
      try folder.writeComposites(of: length, count)
    }
    do throws(FileAccessError) {
      try new.commit()
    } catch {
      throw .file(error)
    }
  }

  // MARK: The parts

  private func writeBase() throws(TinyDataError) {
    try write("base/config.json", TinyConfiguration.file.page)
    try write("base/generation_config.json", TinyConfiguration.generation.page)
    try write("base/tokenizer.json", TinyTokenizer.file.page)
    try write("base/tokenizer_config.json", TinyTokenizer.configuration.page)
  }

  private func writeBaseData() throws(TinyDataError) {
    let path = "data/base/base"
    for (split, file, count) in [
      (TinySplit.training, "train.jsonl", size.base), (.heldOut, "test.jsonl", size.test),
    ] {
      let samples = BaseSamples(split, file: "\(path)/\(file)", seed: seed)
      try write("\(path)/\(file)", lines(count, samples.line))
    }
    try writeDescription(path, items: TinySample.mostItems)
  }

  private func writeData(of task: TinyTask) throws(TinyDataError) {
    let test = TestRequests(task, seed: seed).file(size.test)
    let rungs: [(root: String, mix: TaskSamples.Mix, count: Int)] = [
      ("singles", .singles, size.adapter), ("adapters-lists", .listsAndCodes, size.adapter),
      ("gates-lists", .lists, size.gates + size.mixed), ("gates-mixed", .lists, size.gates),
    ]
    for rung in rungs {
      let path = "data/\(rung.root)/\(task.name)"
      let samples = TaskSamples(
        task, rung.mix, .training, file: "\(path)/train.jsonl", seed: seed)
      try write("\(path)/train.jsonl", lines(rung.count, samples.line))
      try write("\(path)/test.jsonl", test)
      try writeDescription(path, items: 1)
    }
  }

  private func writeMixed() throws(TinyDataError) {
    let path = "data/gates-mixed/mixed"
    let training = MixedSamples(
      TinySample.listLengths, .training, file: "\(path)/train.jsonl", seed: seed)
    let test = MixedSamples(
      TinySample.listLengths, .heldOut, file: "\(path)/test.jsonl", seed: seed)
    let count = size.mixed * TinyTask.allCases.count
    try write("\(path)/train.jsonl", lines(count, training.line))
    try write("\(path)/test.jsonl", lines(size.test, test.line))
    try writeDescription(path, items: TinySample.mostItems)
  }

  private func writeComposites(of length: Int, _ count: Int) throws(TinyDataError) {
    let path = "data/composites/composite-\(length)"
    let samples = MixedSamples([length], .heldOut, file: "\(path)/test.jsonl", seed: seed)
    try write("\(path)/test.jsonl", lines(count, samples.line))
    try writeDescription(path, items: length)
  }

  // MARK: Files

  private func writeDescription(_ path: String, items: Int) throws(TinyDataError) {
    let description = TaskDescription(
      metric: .exactCase, maximumNewTokens: Self.itemTokens * items)
    try write("\(path)/\(TaskDescription.fileName)", description.json.line + Array("\n".utf8))
  }

  private func lines(
    _ count: Int, _ line: (Int) throws(CompositeError) -> [UInt8]
  ) throws(TinyDataError) -> [UInt8] {
    var bytes: [UInt8] = []
    do throws(CompositeError) {
      for number in 0..<count { bytes += try line(number) }
    } catch {
      throw .sample(error)
    }
    return bytes
  }

  private func write(_ path: String, _ bytes: [UInt8]) throws(TinyDataError) {
    let file = folder.temporary.appendingPathComponent(path)
    let parts = path.split(separator: "/").dropLast()
    do throws(FileAccessError) {
      try folder.makeFolder(parts.joined(separator: "/"), mayExist: true)
      try ReplacementFile.write(bytes, to: file)
    } catch {
      throw .file(error)
    }
  }
}
