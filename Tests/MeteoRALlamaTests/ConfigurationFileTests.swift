import Foundation
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@Suite("The file of a configuration")
struct ConfigurationFileTests {
  private func error(_ url: URL) throws -> LlamaError {
    try #require(throws: LlamaError.self) { try LlamaConfiguration(contentsOf: url) }
  }

  private func problem(_ bytes: [UInt8]) throws -> JSONError.Problem? {
    let folder = try TemporaryFolder()
    guard case .json(let error) = try error(folder.write(bytes, to: "config.json")) else {
      return nil
    }
    return error.problem
  }

  @Test("it is refused if it ends anywhere before its end")
  func truncated() throws {
    let folder = try TemporaryFolder()
    let whole = Array(TinyModel().configuration.utf8)
    for end in whole.indices {
      let file = try folder.write(whole[..<end], to: "config.json")
      #expect(throws: LlamaError.self) { try LlamaConfiguration(contentsOf: file) }
    }
    #expect(throws: Never.self) {
      try LlamaConfiguration(contentsOf: folder.write(whole, to: "config.json"))
    }
  }

  @Test("it is refused if it is no JSON object")
  func noObject() throws {
    #expect(try problem([]) == .unexpectedEnd(expected: "a value"))
    for text in ["[]", "1", "null", "\"llama\""] {
      guard case .mismatch("", _, "an object")? = try problem(Array(text.utf8)) else {
        Issue.record("\(text): \(String(describing: try problem(Array(text.utf8))))")
        continue
      }
    }
  }

  @Test("it is refused if a key stands in it twice")
  func duplicateKeys() throws {
    let text = TinyModel().configuration.dropLast() + #", "vocab_size": 11}"#
    #expect(try problem(Array(text.utf8)) == .duplicateKey("vocab_size"))
    // Other keys that only Unicode normalisation makes equal are other keys.
    let folder = try TemporaryFolder()
    let file = try folder.write(
      TinyModel().configuration.dropLast() + ", \"\u{E9}\": 1, \"e\u{301}\": 2}", to: "config.json")
    #expect(throws: Never.self) { try LlamaConfiguration(contentsOf: file) }
  }

  @Test("it is refused if something follows it, or a byte order mark leads it")
  func moreThanJSON() throws {
    let text = Array(TinyModel().configuration.utf8)
    #expect(try problem(text + [UInt8(ascii: "x")]) == .trailingByte(UInt8(ascii: "x")))
    #expect(try problem([0xEF, 0xBB, 0xBF] + text) == .byteOrderMark)
    #expect(try problem([0xFF] + text) != nil)
  }

  @Test("it is refused if it nests without end")
  func nesting() throws {
    let deep = "{\"a\":" + String(repeating: "[", count: 1_000_000)
    #expect(try problem(Array(deep.utf8)) == .nestedTooDeeply(limit: 128))
  }

  /// Why the file cannot be read, if that is the error.
  private func reason(_ url: URL) throws -> FileAccessError? {
    guard case .json(let error) = try error(url), case .unreadable(let reason) = error.problem
    else { return nil }
    #expect(error.description == reason.description)
    return reason
  }

  @Test("it is refused if it is not there, a folder, a pipe or a device")
  func noFile() throws {
    let folder = try TemporaryFolder()
    #expect(try reason(folder.url) == .isFolder(path: folder.url.path))
    let missing = folder.url.appendingPathComponent("config.json")
    #expect(try reason(missing) == .notFound(path: missing.path))
    let pipe = folder.url.appendingPathComponent("pipe")
    #expect(mkfifo(pipe.path, 0o600) == 0)
    #expect(try reason(pipe) == .notRegularFile(path: pipe.path, kind: "a named pipe"))
    let device = URL(fileURLWithPath: "/dev/zero")
    #expect(try reason(device) == .notRegularFile(path: "/dev/zero", kind: "a device"))
    let link = folder.url.appendingPathComponent("link")
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: missing)
    #expect(try reason(link) == .notFound(path: link.path))
    try folder.write(TinyModel().configuration, to: "config.json")
    #expect(throws: Never.self) { try LlamaConfiguration(contentsOf: link) }
  }

  @Test("it is refused if it is no file of this machine")
  func remote() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(TinyModel().configuration, to: "config.json")
    let remote = try #require(URL(string: "https://example.org\(file.path)"))
    #expect(try reason(remote) == .notFileURL(remote.absoluteString))
  }

  @Test("it is refused if it may not be read", .enabled(if: geteuid() != 0))
  func noPermission() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(TinyModel().configuration, to: "config.json")
    try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: file.path)
    #expect(try reason(file) == .noPermission(path: file.path, operation: "read"))
  }

  @Test("it is refused, unread, if it is larger than 256 MiB")
  func tooLarge() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(TinyModel().configuration, to: "config.json")
    let handle = try FileHandle(forWritingTo: file)
    try handle.truncate(atOffset: 256 << 20 + 1)
    try handle.close()
    guard case .json(let error) = try error(file) else {
      Issue.record("no error of JSON")
      return
    }
    #expect(error.problem == .tooLarge(byteCount: 256 << 20 + 1, limit: 256 << 20))
  }
}
