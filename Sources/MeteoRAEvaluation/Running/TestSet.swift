import Foundation
import MeteoRASafetensors
import MeteoRATraining

/// The held-out samples of a task, and how answers to them are scored: `test.jsonl` and `task.json`
/// of the task's folder.
public struct TestSet: Sendable {
  /// The name of the folder.
  public let task: String
  /// How answers are scored, and how long they may be.
  public let description: TaskDescription
  /// What was read.
  public let files: [URL]
  /// At least one, in the order of the file.
  package let samples: [SampleText]
  /// The names that spans may give, if these are known.
  package let adapters: [String]?
  /// The file of the samples, for messages.
  package let file: String

  /// The number of samples.
  public var sampleCount: Int { samples.count }

  /// Reads the test sets of some tasks.
  ///
  /// - Parameters:
  ///   - tasks: Names of folders, each once.
  ///   - folder: Holds the folders of tasks.
  ///   - adapters: The names that spans may give; `nil` if no labels are needed, and any will do.
  ///   - limit: The first so many samples of each; lines behind them are not looked at.
  /// - Returns: In the order of `tasks`.
  /// - Throws: ``EvaluationError``.
  public static func all(
    of tasks: [String], in folder: URL, adapters: [String]? = nil, limit: Int? = nil
  ) throws(EvaluationError) -> [TestSet] {
    let folders: [TaskFolders.Task]
    do throws(TrainingDataError) {
      let limits = 1...Int(Int32.max)
      if let limit, !limits.contains(limit) {
        throw .setting("the number of samples of a task", found: limit, expected: limits)
      }
      folders = try TaskFolders(in: folder, chosen: tasks).tasks
    } catch {
      throw .samples(error)
    }
    var sets: [TestSet] = []
    for task in tasks {
      for folder in folders where folder.name.utf8.elementsEqual(task.utf8) {
        sets.append(try TestSet(folder, adapters: adapters, limit: limit ?? .max))
      }
    }
    return sets
  }

  private init(
    _ folder: TaskFolders.Task, adapters: [String]?, limit: Int
  ) throws(EvaluationError) {
    let descriptionFile = folder.url.appendingPathComponent(TaskDescription.fileName)
    let samplesFile = folder.url.appendingPathComponent(TrainingDataset.Split.test.fileName)
    do throws(JSONError) {
      description = try TaskDescription(contentsOf: descriptionFile)
    } catch {
      throw .task(error)
    }
    do throws(TrainingDataError) {
      samples = try Self.samples(of: samplesFile, adapters: adapters, limit: limit)
    } catch {
      throw .samples(error)
    }
    task = folder.name
    files = [descriptionFile, samplesFile]
    file = samplesFile.path
    self.adapters = adapters
  }

  private static func samples(
    of file: URL, adapters: [String]?, limit: Int
  ) throws(TrainingDataError) -> [SampleText] {
    var reader = try SampleReader(file, adapters: adapters)
    var samples: [SampleText] = []
    while samples.count < limit, let sample = try reader.next() { samples.append(sample) }
    guard !samples.isEmpty else { throw .noSamples(file: file.path) }
    return samples
  }
}
