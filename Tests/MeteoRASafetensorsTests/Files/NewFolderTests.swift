import Foundation
import Testing

@testable import MeteoRASafetensors

@Suite("Folders that appear whole")
struct NewFolderTests {
  private func names(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test("it appears with its content when it is committed")
  func appears() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("new")
      do {
        let new = try NewFolder(creating: url)
        try new.makeFolder("a/b")
        try Data("x".utf8).write(to: new.temporary.appendingPathComponent("a/b/f"))
        #expect(!FileManager.default.fileExists(atPath: url.path))
        try new.commit()
      }
      #expect(try names(folder) == ["new"])
      #expect(try Data(contentsOf: url.appendingPathComponent("a/b/f")) == Data("x".utf8))
    }
  }

  @Test("without that, nothing is left")
  func leavesNothing() throws {
    try withTemporaryFolder { folder in
      do {
        let new = try NewFolder(creating: folder.appendingPathComponent("new"))
        try new.makeFolder("a")
        #expect(try names(folder).count == 1)
      }
      #expect(try names(folder).isEmpty)
    }
  }

  @Test("it takes nobody's place: file, empty folder or dangling link, before or meanwhile")
  func takesNobodysPlace() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("there")
      func refusal() -> FileAccessError? {
        do throws(FileAccessError) {
          _ = try NewFolder(creating: url)
          return nil
        } catch {
          return error
        }
      }
      let expected = FileAccessError.alreadyThere(path: url.path)
      try Data().write(to: url)
      #expect(refusal() == expected)
      #expect(expected.description == "\(url.path): is there already, expected a new path")
      try FileManager.default.removeItem(at: url)
      try FileManager.default.createSymbolicLink(
        atPath: url.path, withDestinationPath: "/nowhere/at/all")
      #expect(refusal() == expected)
      try FileManager.default.removeItem(at: url)
      do {
        let new = try NewFolder(creating: url)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        #expect(throws: expected) { try new.commit() }
      }
      #expect(try names(folder) == ["there"])
      #expect(try names(url).isEmpty)
    }
  }

  @Test("a folder inside is made once, unless it may be there")
  func makesOnce() throws {
    try withTemporaryFolder { folder in
      let new = try NewFolder(creating: folder.appendingPathComponent("new"))
      try new.makeFolder("a")
      try new.makeFolder("a/b")
      try new.makeFolder("a/b", mayExist: true)
      let path = new.temporary.appendingPathComponent("a/b").path
      #expect(throws: FileAccessError.alreadyThere(path: path)) { try new.makeFolder("a/b") }
    }
  }

  @Test("it needs a parent folder")
  func needsParent() throws {
    try withTemporaryFolder { folder in
      let parent = folder.appendingPathComponent("no")
      #expect(throws: FileAccessError.notFound(path: parent.path)) {
        _ = try NewFolder(creating: parent.appendingPathComponent("new"))
      }
    }
  }

  @Test("it takes the place of a folder if it may, and of nothing else", arguments: [false, true])
  func replaces(isDurable: Bool) throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("new")
      for content in ["1", "2", "3"] {
        let new = try NewFolder(creating: url, prefix: ".mine-", replaces: true)
        #expect(try names(folder).contains { $0.hasPrefix(".mine-") && $0.hasSuffix(".tmp") })
        try new.makeFolder(content)
        try Data(content.utf8).write(to: new.temporary.appendingPathComponent("\(content)/f"))
        try new.commit(isDurable: isDurable)
        #expect(try names(folder) == ["new"])
        #expect(try names(url) == [content])
      }
      let file = folder.appendingPathComponent("file")
      try Data().write(to: file)
      #expect(throws: FileAccessError.alreadyThere(path: file.path)) {
        try NewFolder(creating: file, replaces: true)
      }
      let link = folder.appendingPathComponent("link")
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: url)
      #expect(throws: FileAccessError.alreadyThere(path: link.path)) {
        try NewFolder(creating: link, replaces: true)
      }
    }
  }

  @Test("what a killed process left behind is removed, and nothing else")
  func leftovers() throws {
    try withTemporaryFolder { folder in
      for name in [".mine-a.tmp", ".mine-b.tmp", ".mine-c", ".other-a.tmp", "mine"] {
        let inside = folder.appendingPathComponent(name).appendingPathComponent("inside")
        try FileManager.default.createDirectory(at: inside, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: inside.appendingPathComponent("f"))
      }
      try NewFolder.removeLeftovers(".mine-", in: folder)
      #expect(try names(folder) == [".mine-c", ".other-a.tmp", "mine"])
      try NewFolder.remove(folder.appendingPathComponent("mine"), prefix: ".mine-")
      #expect(try names(folder) == [".mine-c", ".other-a.tmp"])
      let missing = folder.appendingPathComponent("mine")
      #expect(throws: FileAccessError.notFound(path: missing.path)) {
        try NewFolder.remove(missing, prefix: ".mine-")
      }
    }
  }
}
