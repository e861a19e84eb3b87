import Foundation
import Testing

@testable import MeteoRASafetensors

@Suite("Which file a path leads to")
struct FileIdentityTests {
  @Test("links of both kinds lead to the same file, a copy is another")
  func links() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("file")
      try Data("x".utf8).write(to: file)
      let identity = try #require(FileIdentity(of: file))
      let (hard, symbolic, copy) = (
        folder.appendingPathComponent("h"), folder.appendingPathComponent("s"),
        folder.appendingPathComponent("c")
      )
      try FileManager.default.linkItem(at: file, to: hard)
      try FileManager.default.createSymbolicLink(at: symbolic, withDestinationURL: file)
      try FileManager.default.copyItem(at: file, to: copy)
      #expect(FileIdentity(of: hard) == identity)
      #expect(FileIdentity(of: symbolic) == identity)
      #expect(FileIdentity(of: copy) != identity)
      #expect(FileIdentity(of: folder.appendingPathComponent("absent")) == nil)
    }
  }

  @Test("a descriptor has that of the regular file that it is open for")
  func descriptors() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("file")
      try Data("x".utf8).write(to: file)
      let descriptor = open(file.path, O_RDONLY)
      defer { close(descriptor) }
      #expect(FileIdentity(ofDescriptor: descriptor) == FileIdentity(of: file))
      #expect(FileIdentity(of: file) != nil)
      let device = open("/dev/null", O_RDONLY)
      defer { close(device) }
      #expect(FileIdentity(ofDescriptor: device) == nil)
      #expect(FileIdentity(ofDescriptor: -1) == nil)
    }
  }

  @Test("a link that leads nowhere is there all the same")
  func dangling() throws {
    try withTemporaryFolder { folder in
      let link = folder.appendingPathComponent("link")
      #expect(!FileStatus.isThere(link))
      try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: "absent")
      #expect(FileStatus.isThere(link))
      #expect(FileStatus.isDanglingLink(link))
      #expect(FileIdentity(of: link) == nil)
      try Data().write(to: folder.appendingPathComponent("absent"))
      #expect(!FileStatus.isDanglingLink(link))
      #expect(!FileStatus.isDanglingLink(folder.appendingPathComponent("absent")))
      let ring = folder.appendingPathComponent("ring")
      try FileManager.default.createSymbolicLink(atPath: ring.path, withDestinationPath: "ring")
      #expect(FileStatus.isDanglingLink(ring))
      // Nobody can say what is behind it.
      #expect(FileStatus.isThere(ring.appendingPathComponent("below")))
      #expect(!FileStatus.isThere(link.appendingPathComponent("below")))
    }
  }
}
