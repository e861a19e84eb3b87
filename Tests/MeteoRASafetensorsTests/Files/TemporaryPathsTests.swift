import Foundation
import Testing

@testable import MeteoRASafetensors

@Suite("Temporary files under way")
struct TemporaryPathsTests {
  @Test("those that are not forgotten are removed, folders with all that is in them")
  func removes() throws {
    try withTemporaryFolder { folder in
      let paths = TemporaryPaths()
      func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
      func createFile(_ name: String) -> Int32 {
        paths.create(path(name)) {
          let descriptor = open(path(name), O_WRONLY | O_CREAT | O_EXCL, 0o600)
          if descriptor >= 0 { close(descriptor) }
          return descriptor
        }
      }
      #expect(createFile("file") >= 0)
      #expect(createFile("kept") >= 0)
      paths.forget(path("kept"))
      // What this process has not made is not its own.
      try Data().write(to: URL(fileURLWithPath: path("foreign")))
      #expect(createFile("foreign") < 0)
      #expect(paths.create(path("folder")) { mkdir(path("folder"), 0o700) } == 0)
      try Data().write(to: URL(fileURLWithPath: path("folder/inside")))
      var names: [String]?
      paths.removeAll {
        names = try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      }
      #expect(names == ["foreign", "kept"])
    }
  }
}
