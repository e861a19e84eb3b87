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

  @Test("it follows links, into other folders too, to a file that is there or not")
  func followsLinks() throws {
    try withTemporaryFolder { folder in
      let files = FileManager.default
      let other = folder.appendingPathComponent("other")
      try files.createDirectory(at: other, withIntermediateDirectories: false)
      let first = folder.appendingPathComponent("first")
      try files.createSymbolicLink(atPath: first.path, withDestinationPath: "folder/second")
      try files.createSymbolicLink(
        atPath: folder.appendingPathComponent("folder").path, withDestinationPath: "other")
      try files.createSymbolicLink(
        atPath: other.appendingPathComponent("second").path,
        withDestinationPath: other.appendingPathComponent("file").path)
      for text in ["new", "newer"] {
        try ReplacementFile.requireReplaceable(first)
        try ReplacementFile.write(Array(text.utf8), to: first)
        #expect(try content(folder) == ["first", "folder", "other"])
        #expect(try content(other) == ["file", "second"])
        #expect(try files.destinationOfSymbolicLink(atPath: first.path) == "folder/second")
        #expect(
          try Data(contentsOf: other.appendingPathComponent("file")) == Data(text.utf8))
      }
    }
  }

  @Test("it refuses links in a ring, into a missing folder, and to what is no regular file")
  func refusesLinks() throws {
    try withTemporaryFolder { folder in
      func link(_ name: String, to destination: String) throws -> URL {
        let url = folder.appendingPathComponent(name)
        try FileManager.default.createSymbolicLink(
          atPath: url.path, withDestinationPath: destination)
        return url
      }
      let ring = try link("ring", to: "ring")
      #expect(throws: FileAccessError.system(path: ring.path, operation: "write", code: ELOOP)) {
        try ReplacementFile(replacing: ring)
      }
      let lost = try link("lost", to: "absent/out")
      #expect(
        throws: FileAccessError.notFound(path: lost.deletingLastPathComponent().path + "/absent")
      ) {
        try ReplacementFile(replacing: lost)
      }
      let device = try link("device", to: "/dev/null")
      #expect(throws: FileAccessError.notRegularFile(path: device.path, kind: "a device")) {
        try ReplacementFile(replacing: device)
      }
      let inFile = folder.appendingPathComponent("file/out")
      try Data().write(to: folder.appendingPathComponent("file"))
      #expect(throws: FileAccessError.isFile(path: folder.path + "/file")) {
        try ReplacementFile(replacing: inFile)
      }
      #expect(try content(folder) == ["device", "file", "lost", "ring"])
    }
  }

  #if os(Linux)
    @Test("it refuses what leads through the descriptors of a process, be it to a regular file")
    func refusesDescriptors() throws {
      try withTemporaryFolder { folder in
        let file = folder.appendingPathComponent("file")
        try Data("old".utf8).write(to: file)
        let descriptor = open(file.path, O_RDONLY)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let link = folder.appendingPathComponent("link")
        let process = "/proc/self/fd/\(descriptor)"
        try FileManager.default.createSymbolicLink(
          atPath: link.path, withDestinationPath: process)
        for (path, system) in [
          (process, "/proc"), (link.path, "/proc"), ("/dev/fd/\(descriptor)", "/proc"),
          ("/proc/x", "/proc"), ("/dev/x", "/dev"),
        ] {
          let url = URL(fileURLWithPath: path)
          let error = FileAccessError.notForFiles(path: path, folder: system)
          #expect(error.description.hasPrefix("\(path): leads into \(system), which is not for"))
          #expect(throws: error) { try ReplacementFile(replacing: url) }
          #expect(throws: error) { try ReplacementFile.requireReplaceable(url) }
        }
        #expect(try Data(contentsOf: file) == Data("old".utf8))
        #expect(try content(folder) == ["file", "link"])
      }
    }
  #endif

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
