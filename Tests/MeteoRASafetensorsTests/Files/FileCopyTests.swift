import Foundation
import Testing

@testable import MeteoRASafetensors

@Suite("Copies of files")
struct FileCopyTests {
  @Test("it holds the same bytes, of a link's target, too", arguments: [0, 1, 17 << 20])
  func holdsSameBytes(count: Int) throws {
    try withTemporaryFolder { folder in
      let source = folder.appendingPathComponent("source")
      let link = folder.appendingPathComponent("link")
      let target = folder.appendingPathComponent("target")
      let bytes = Data((0..<count).lazy.map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) })
      try bytes.write(to: source)
      try FileManager.default.createSymbolicLink(
        atPath: link.path, withDestinationPath: "source")
      #expect(try FileCopy.copy(link, to: target) { false })
      #expect(try Data(contentsOf: target) == bytes)
      let attributes = try FileManager.default.attributesOfItem(atPath: target.path)
      #expect(attributes[.type] as? FileAttributeType == .typeRegular)
    }
  }

  @Test("it is not there if it was stopped")
  func stops() throws {
    try withTemporaryFolder { folder in
      let source = folder.appendingPathComponent("source")
      try Data(repeating: 1, count: 17 << 20).write(to: source)
      var questions = 0
      let isComplete = try FileCopy.copy(source, to: folder.appendingPathComponent("target")) {
        questions += 1
        return questions == 2
      }
      #expect(!isComplete)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["source"])
    }
  }

  @Test("a link leads to the absolute path, however the source was given")
  func links() throws {
    try withTemporaryFolder { folder in
      let source = folder.appendingPathComponent("source")
      try Data("x".utf8).write(to: source)
      let first = folder.appendingPathComponent("first")
      let second = folder.appendingPathComponent("second")
      try FileCopy.link(source, at: first)
      try FileCopy.link(first, at: second)
      let path = try FileManager.default.destinationOfSymbolicLink(atPath: second.path)
      #expect(path.hasPrefix("/"))
      #expect(path.hasSuffix("/source"))
      #expect(try Data(contentsOf: second) == Data("x".utf8))
      #expect(throws: FileAccessError.alreadyThere(path: second.path)) {
        try FileCopy.link(source, at: second)
      }
      let missing = folder.appendingPathComponent("missing")
      #expect(throws: FileAccessError.notFound(path: missing.path)) {
        try FileCopy.link(missing, at: folder.appendingPathComponent("third"))
      }
    }
  }
}
