import Foundation
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("Folders of tasks")
struct TaskFoldersTests {
  private func folder(_ names: String...) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for name in names { try folder.write("", to: "\(name)/train.jsonl") }
    return folder
  }

  @Test("they are matched to adapters by name, in the byte order of names")
  func matches() throws {
    let folder = try folder("sort", "Reverse", "two", ".hidden")
    try folder.write("", to: "README.md")
    let folders = try TaskFolders(
      in: folder.url, adapters: ["sort", "Reverse"], composites: ["two"])
    #expect(folders.tasks.map(\.name) == ["Reverse", "sort", "two"])
    #expect(folders.tasks.map(\.adapter) == [1, 0, nil])
    #expect(folders.tasks.map(\.isComposite) == [false, false, true])
    #expect(folders.adapters == ["sort", "Reverse"])
    #expect(folders.tasks[1].url.path == folder.url.appendingPathComponent("sort").path)
  }

  @Test("without adapters all are taken, or those that are chosen")
  func chooses() throws {
    let folder = try folder("sort", "reverse", "two")
    let all = try TaskFolders(in: folder.url)
    #expect(all.tasks.map(\.name) == ["reverse", "sort", "two"])
    #expect(all.tasks.allSatisfy { $0.adapter == nil && !$0.isComposite })
    #expect(all.adapters == nil)
    let two = try TaskFolders(in: folder.url, chosen: ["two", "reverse"])
    #expect(two.tasks.map(\.name) == ["reverse", "two"])
  }

  @Test("a folder without adapter and an adapter without folder are listed")
  func refusesUnmatched() throws {
    let folder = try folder("revers", "sort", "other")
    let path = folder.url.path
    let error = #expect(throws: TrainingDataError.self) {
      try TaskFolders(in: folder.url, adapters: ["reverse", "sort", "count"])
    }
    #expect(
      error
        == .unmatched(
          folder: path, tasks: ["other", "revers"], adapters: ["reverse", "count"],
          known: ["reverse", "sort", "count"]))
    #expect(
      error?.description
        == "\(path): folders without an adapter of their name: 'other', 'revers' (the nearest is "
        + "'reverse'); adapters without a folder: 'reverse', 'count'; expected one folder for each "
        + "adapter")
    #expect(throws: TrainingDataError.self) {
      try TaskFolders(in: folder.url, adapters: ["revers", "sort"])
    }
    #expect(throws: TrainingDataError.self) {
      try TaskFolders(in: folder.url, adapters: ["revers", "sort", "other", "more"])
    }
  }

  @Test("names are equal if their bytes are")
  func comparesBytes() throws {
    let folder = try folder("caf\u{E9}")
    #expect(throws: TrainingDataError.self) {
      try TaskFolders(in: folder.url, adapters: ["cafe\u{301}"])
    }
  }

  @Test("a name that is given twice is an error")
  func refusesTwice() throws {
    let folder = try folder("a", "b")
    #expect(throws: TrainingDataError.taskTwice(name: "a")) {
      try TaskFolders(in: folder.url, adapters: ["a", "b", "a"])
    }
    #expect(throws: TrainingDataError.taskTwice(name: "b")) {
      try TaskFolders(in: folder.url, adapters: ["a", "b"], composites: ["b"])
    }
    #expect(throws: TrainingDataError.taskTwice(name: "b")) {
      try TaskFolders(in: folder.url, chosen: ["b", "b"])
    }
  }

  @Test("a task that is not there is an error with the nearest name")
  func refusesUnknown() throws {
    let folder = try folder("reverse", "sort")
    let error = #expect(throws: TrainingDataError.self) {
      try TaskFolders(in: folder.url, chosen: ["sorts"])
    }
    #expect(
      error?.description == "\(folder.url.path): holds no task 'sorts'; the nearest is 'sort'")
    let other = #expect(throws: TrainingDataError.self) {
      try TaskFolders(in: folder.url, adapters: ["reverse", "sort"], composites: ["translate"])
    }
    #expect(
      other?.description
        == "\(folder.url.path): holds no task 'translate'; it has 'reverse', 'sort'")
  }

  @Test("a folder without tasks, a file and nothing are errors")
  func refusesFolders() throws {
    let folder = try TemporaryFolder()
    #expect(throws: TrainingDataError.noTasks(folder: folder.url.path)) {
      try TaskFolders(in: folder.url)
    }
    let file = try folder.write("", to: "file")
    #expect(throws: TrainingDataError.file(.isFile(path: file.path))) {
      try TaskFolders(in: file)
    }
    let missing = folder.url.appendingPathComponent("missing")
    #expect(throws: TrainingDataError.file(.notFound(path: missing.path))) {
      try TaskFolders(in: missing)
    }
  }

  @Test("many names are cut short in a message")
  func cutsLists() {
    let names = (0..<25).map { "n\($0)" }
    #expect(NameList(names, most: 2).description == "'n0', 'n1' and 23 more")
    #expect(NameList([]).description == "none")
    #expect(NameList(["a\n"]).description == "'a\\u{A}'")
  }
}
