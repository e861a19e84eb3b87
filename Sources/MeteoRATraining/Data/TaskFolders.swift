import Foundation
import MeteoRASafetensors

/// The folders of tasks that samples are read from.
///
///     datasets/reverse/train.jsonl   test.jsonl
///              sort/train.jsonl      test.jsonl
///
/// Files beside the folders do not count, nor do names that begin with a dot. Names are compared as
/// UTF-8 bytes.
package struct TaskFolders: Sendable {
  /// A folder.
  package struct Task: Sendable, Equatable {
    /// The name of the folder.
    package var name: String
    package var url: URL
    /// The index of the adapter that the samples belong to; `nil` of a composite, whose spans say
    /// it, and where no gates are trained.
    package var adapter: Int?
    /// Whether samples hold requests for several adapters, and nothing but spans says for which.
    package var isComposite: Bool
  }

  /// In the order of the names' bytes.
  package let tasks: [Task]
  /// The names that spans may give; `nil` if no gates are trained.
  package let adapters: [String]?

  /// The folders from which the gates of adapters are trained: one for each, of its name.
  ///
  /// - Parameters:
  ///   - adapters: In the order of the gates' rows.
  ///   - composites: Folders of samples for several adapters.
  /// - Throws: ``TrainingDataError/unmatched(folder:tasks:adapters:known:)`` if there is a folder
  ///   that belongs to no adapter, or an adapter without a folder.
  package init(
    in folder: URL, adapters: [String], composites: [String] = []
  ) throws(TrainingDataError) {
    let names = try Self.names(in: folder)
    try Self.requireDistinct(adapters + composites)
    try Self.require(composites, among: names, in: folder)
    let known = adapters + composites
    let tasks = names.filter { Self.index(of: $0, in: known) == nil }
    let missing = adapters.filter { Self.index(of: $0, in: names) == nil }
    guard tasks.isEmpty, missing.isEmpty else {
      throw .unmatched(folder: folder.path, tasks: tasks, adapters: missing, known: adapters)
    }
    self.adapters = adapters
    self.tasks = names.map { name in
      let adapter = Self.index(of: name, in: adapters)
      return Self.task(name, in: folder, adapter: adapter, isComposite: adapter == nil)
    }
  }

  /// The folders from which weights without gates are trained.
  ///
  /// - Parameter chosen: Some of them; `nil` for all.
  /// - Throws: ``TrainingDataError/unknownTask(name:folder:known:)``,
  ///   ``TrainingDataError/noTasks(folder:)``.
  package init(in folder: URL, chosen: [String]? = nil) throws(TrainingDataError) {
    var names = try Self.names(in: folder)
    if let chosen {
      try Self.requireDistinct(chosen)
      try Self.require(chosen, among: names, in: folder)
      names = names.filter { Self.index(of: $0, in: chosen) != nil }
    }
    guard !names.isEmpty else { throw .noTasks(folder: folder.path) }
    adapters = nil
    tasks = names.map { Self.task($0, in: folder, adapter: nil, isComposite: false) }
  }

  // MARK: Names

  private static func task(
    _ name: String, in folder: URL, adapter: Int?, isComposite: Bool
  ) -> Task {
    Task(
      name: name, url: folder.appendingPathComponent(name, isDirectory: true), adapter: adapter,
      isComposite: isComposite)
  }

  /// The names of the folders in a folder.
  private static func names(in folder: URL) throws(TrainingDataError) -> [String] {
    let names: [String]
    do throws(FileAccessError) {
      names = try FolderListing.names(in: folder)
    } catch {
      throw .file(error)
    }
    return names.filter { name in
      if name.utf8.first == UInt8(ascii: ".") { return false }
      let url = folder.appendingPathComponent(name)
      var isFolder: ObjCBool = false
      let isThere = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
      // A link that leads nowhere may have led to a task: its files tell that they are missing.
      return isThere ? isFolder.boolValue : FileStatus.isDanglingLink(url)
    }
  }

  private static func index(of name: String, in names: [String]) -> Int? {
    names.firstIndex { $0.utf8.elementsEqual(name.utf8) }
  }

  private static func requireDistinct(_ names: [String]) throws(TrainingDataError) {
    var known: Set<[UInt8]> = []
    for name in names where !known.insert(Array(name.utf8)).inserted {
      throw .taskTwice(name: name)
    }
  }

  private static func require(
    _ chosen: [String], among names: [String], in folder: URL
  ) throws(TrainingDataError) {
    for name in chosen where index(of: name, in: names) == nil {
      throw .unknownTask(name: name, folder: folder.path, known: names)
    }
  }
}
