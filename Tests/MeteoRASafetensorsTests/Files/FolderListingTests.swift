import Foundation
import MeteoRASafetensors
import Testing

@Suite("The listing of a folder")
struct FolderListingTests {
  private func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("meteora-tests-\(UUID().uuidString)", isDirectory: true)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  @Test("it holds all names, in the order of their bytes")
  func names() throws {
    try inFolder { folder in
      #expect(try FolderListing.names(in: folder) == [])
      for name in ["b", "a10", "Z", ".hidden", "é"] {
        try Data().write(to: folder.appendingPathComponent(name))
      }
      #expect(try FolderListing.names(in: folder) == [".hidden", "Z", "a10", "b", "é"])
    }
  }

  #if os(Linux)
    // Other systems' disks take no such name.
    @Test("it is refused for a name that is not UTF-8, whose bytes are shown")
    func brokenName() throws {
      try inFolder { folder in
        try Data().write(to: folder.appendingPathComponent("a"))
        let path = folder.path.utf8.map { $0 } + Array("/x\n\u{E9}".utf8) + [0xE9, 0xFF, 0]
        let made = path.withUnsafeBytes { bytes in
          bytes.assumingMemoryBound(to: CChar.self).baseAddress.map { mkdir($0, 0o700) }
        }
        #expect(made == 0)
        let error = FileAccessError.nameNotUTF8(
          folder: folder.path, name: "x\n\\xC3\\xA9\\xE9\\xFF")
        #expect(throws: error) { try FolderListing.names(in: folder) }
        #expect(
          error.description == folder.path
            + ": holds the name 'x\\u{A}\\xC3\\xA9\\xE9\\xFF', which is not UTF-8 text, expected "
            + "names that are")
      }
    }
  #endif

  @Test("it is refused for what is no folder")
  func refusals() throws {
    try inFolder { folder in
      let file = folder.appendingPathComponent("file")
      try Data().write(to: file)
      let missing = folder.appendingPathComponent("missing")
      let below = file.appendingPathComponent("below")
      let remote = try #require(URL(string: "https://example.org/"))
      for (url, error) in [
        (file, FileAccessError.isFile(path: file.path)), (missing, .notFound(path: missing.path)),
        (below, .notFound(path: below.path)), (remote, .notFileURL("https://example.org/")),
      ] {
        #expect(throws: error) { try FolderListing.names(in: url) }
      }
      #expect(
        FileAccessError.isFile(path: "f\n").description == "f\\u{A}: is a file, expected a folder")
    }
  }

  @Test("it is refused without permission", .enabled(if: geteuid() != 0))
  func noPermission() throws {
    try inFolder { folder in
      chmod(folder.path, 0o300)
      defer { chmod(folder.path, 0o700) }
      #expect(throws: FileAccessError.noPermission(path: folder.path, operation: "list")) {
        try FolderListing.names(in: folder)
      }
    }
  }
}
