import Foundation
import Testing

@testable import MeteoRASafetensors

@Suite("Files that replace others")
struct ReplacementFileTests {
  private func content(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test("it appears complete or not at all")
  func appearsComplete() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("out")
      try Data("old".utf8).write(to: url)
      do {
        let abandoned = try ReplacementFile(replacing: url)
        try [1, 2, 3].withUnsafeBytes { try abandoned.write($0, at: 0) }
        #expect(try content(folder).count == 2)
      }
      #expect(try content(folder) == ["out"])
      #expect(try Data(contentsOf: url) == Data("old".utf8))
      try ReplacementFile.write(Array("new!".utf8), to: url)
      #expect(try content(folder) == ["out"])
      #expect(try Data(contentsOf: url) == Data("new!".utf8))
    }
  }

  @Test("it takes pieces in any order")
  func takesPieces() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("out")
      let file = try ReplacementFile(replacing: url)
      try ([4, 5] as [UInt8]).withUnsafeBytes { try file.write($0, at: 3) }
      try ([1, 2, 3] as [UInt8]).withUnsafeBytes { try file.write($0, at: 0) }
      try ([] as [UInt8]).withUnsafeBytes { try file.write($0, at: 9) }
      try file.commit()
      #expect([UInt8](try Data(contentsOf: url)) == [1, 2, 3, 4, 5])
    }
  }

  @Test("it refuses a missing folder, a folder of that name, a pipe and a device")
  func refuses() throws {
    try withTemporaryFolder { folder in
      let absent = folder.appendingPathComponent("absent")
      #expect(throws: FileAccessError.notFound(path: absent.path)) {
        try ReplacementFile(replacing: absent.appendingPathComponent("out"))
      }
      #expect(throws: FileAccessError.isFolder(path: folder.path)) {
        try ReplacementFile(replacing: folder)
      }
      let pipe = folder.appendingPathComponent("pipe")
      try #require(mkfifo(pipe.path, 0o600) == 0)
      #expect(throws: FileAccessError.notRegularFile(path: pipe.path, kind: "a named pipe")) {
        try ReplacementFile(replacing: pipe)
      }
      #expect(throws: FileAccessError.notRegularFile(path: "/dev/null", kind: "a device")) {
        try ReplacementFile(replacing: URL(fileURLWithPath: "/dev/null"))
      }
      #expect(try content(folder) == ["pipe"])
    }
  }

  @Test("it leaves nothing behind if the last step fails")
  func failsToCommit() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("out")
      let file = try ReplacementFile(replacing: url)
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
      #expect(throws: FileAccessError.isFolder(path: url.path)) { try file.commit() }
      #expect(try content(folder) == ["out"])
    }
  }
}
