import Foundation
import Testing

@testable import MeteoRASafetensors

@Suite("Files that cannot be read")
struct MappedFileTests {
  /// The error of opening a path as a safetensors file; `nil` if it opens.
  private func accessError(_ url: URL) -> FileAccessError? {
    do throws(SafetensorsError) {
      _ = try SafetensorsFile(contentsOf: url)
      return nil
    } catch {
      guard case .inaccessible(let reason) = error else { return nil }
      #expect(error.category == .inaccessible)
      #expect(error.description == reason.description)
      return reason
    }
  }

  @Test("it names a missing file")
  func namesMissing() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("missing.safetensors")
      #expect(accessError(url) == .notFound(path: url.path))
      #expect(accessError(url)?.description == "\(url.path): no such file or folder")
      let below = folder.appendingPathComponent("file")
      try Data().write(to: below)
      let inside = below.appendingPathComponent("x")
      #expect(accessError(inside) == .notFound(path: inside.path))
    }
  }

  @Test("it names a folder, a pipe and a device, and waits for none of them")
  func namesSpecialFiles() throws {
    try withTemporaryFolder { folder in
      #expect(accessError(folder) == .isFolder(path: folder.path))
      #expect(
        accessError(folder)?.description == "\(folder.path): is a folder, expected a file")
      let pipe = folder.appendingPathComponent("pipe")
      try #require(mkfifo(pipe.path, 0o600) == 0)
      #expect(accessError(pipe) == .notRegularFile(path: pipe.path, kind: "a named pipe"))
      #expect(
        accessError(pipe)?.description == "\(pipe.path): is a named pipe, expected a file")
      let device = URL(fileURLWithPath: "/dev/zero")
      #expect(accessError(device) == .notRegularFile(path: "/dev/zero", kind: "a device"))
    }
  }

  @Test("it names an address that is no file's")
  func namesOtherAddresses() throws {
    let url = try #require(URL(string: "https://example.org/w.safetensors"))
    #expect(accessError(url) == .notFileURL("https://example.org/w.safetensors"))
    #expect(accessError(url)?.description.contains("is not the address of a file") == true)
  }

  @Test("it names a missing permission", .enabled(if: geteuid() != 0, "root may read everything"))
  func namesMissingPermission() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("secret.safetensors")
      try Data("x".utf8).write(to: url)
      try #require(chmod(url.path, 0) == 0)
      #expect(accessError(url) == .noPermission(path: url.path, operation: "read"))
    }
  }

  @Test(
    "it sorts the system's error numbers",
    arguments: [
      (ENOENT, .notFound(path: "p"), "p: no such file or folder"),
      (ENOTDIR, .notFound(path: "p"), "p: no such file or folder"),
      (EISDIR, .isFolder(path: "p"), "p: is a folder, expected a file"),
      (EACCES, .noPermission(path: "p", operation: "read"), "p: no permission to read"),
      (EPERM, .noPermission(path: "p", operation: "read"), "p: no permission to read"),
      (EROFS, .noPermission(path: "p", operation: "read"), "p: no permission to read"),
      (
        ENOSPC, .system(path: "p", operation: "read", code: ENOSPC),
        "p: cannot read: No space left on device (error \(ENOSPC))"
      ),
    ] as [(Int32, FileAccessError, String)])
  func sortsErrorNumbers(code: Int32, expected: FileAccessError, text: String) {
    let error = FileAccessError(code: code, path: "p", operation: "read")
    #expect(error == expected)
    #expect(error.description == text)
  }

  @Test("it refuses a JSON file beyond 256 MiB before it reads it")
  func refusesLargeJSON() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("tokenizer.json")
      try Data("{".utf8).write(to: url)
      try #require(truncate(url.path, 1 << 40) == 0)
      do throws(JSONError) {
        _ = try JSONDocument(contentsOf: url)
        Issue.record("a document of 1 TiB was taken")
      } catch {
        #expect(error.problem == .tooLarge(byteCount: 1 << 40, limit: 1 << 28))
        #expect(error.description.hasSuffix("bytes, expected at most 268435456"))
      }
    }
  }

  @Test("it opens a sparse file of 1 TiB at once")
  func opensLargeFile() throws {
    try withTemporaryFolder { folder in
      let size = 1 << 40
      let url = folder.appendingPathComponent("large.safetensors")
      let header = #"{"w":{"dtype":"F32","shape":[\#(size / 4)],"data_offsets":[0,\#(size)]}}"#
      let prefix = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init)
      try Data(prefix + Array(header.utf8)).write(to: url)
      try #require(truncate(url.path, off_t(8 + header.utf8.count + size)) == 0)
      let tensor = try SafetensorsFile(contentsOf: url).tensor(named: "w")
      #expect(tensor.elementCount == size / 4)
      #expect(try tensor.float32Values(in: (size / 4 - 2)..<(size / 4)) == [0, 0])
    }
  }

  @Test("it takes an empty file for one that is too short")
  func takesEmptyFile() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("empty.safetensors")
      try Data().write(to: url)
      #expect(throws: SafetensorsError.tooShort(file: url.path, byteCount: 0)) {
        try SafetensorsFile(contentsOf: url)
      }
    }
  }

  @Test("it follows a symbolic link, and keeps a file that was removed")
  func followsLinks() throws {
    try withTemporaryFolder { folder in
      let target = folder.appendingPathComponent("target")
      let link = folder.appendingPathComponent("link")
      let writer = try SafetensorsWriter(to: target, tensors: [.init("w", .f32, [1])])
      try writer.append([1.5] as [Float], to: "w")
      try writer.finish()
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: target)
      let file = try SafetensorsFile(contentsOf: link)
      #expect(file.location == link.path)
      try FileManager.default.removeItem(at: target)
      #expect(try file.tensor(named: "w").float32Values() == [1.5])
      #expect(accessError(link) == .notFound(path: link.path))
    }
  }

  @Test("it reads a JSON file, and says which file it cannot read")
  func readsJSON() throws {
    try withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("config.json")
      try Data("{\"a\":[1]}\n".utf8).write(to: url)
      #expect(try JSONDocument(contentsOf: url).root["a"]?.elements?.count == 1)
      try Data("{\"a\":\n[1}".utf8).write(to: url)
      do throws(JSONError) {
        _ = try JSONDocument(contentsOf: url)
        Issue.record("a broken document was taken")
      } catch {
        #expect(error.description.hasPrefix("\(url.path):2:3 (byte 8): found '}', expected"))
      }
      do throws(JSONError) {
        _ = try JSONDocument(contentsOf: folder)
        Issue.record("a folder was taken")
      } catch {
        #expect(error.problem == .unreadable(.isFolder(path: folder.path)))
        #expect(error.description == "\(folder.path): is a folder, expected a file")
        #expect(SafetensorsError.json(error).category == .inaccessible)
      }
    }
  }
}
