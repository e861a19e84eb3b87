import Foundation
import MeteoRASafetensors
import Testing

@Suite("Folders that one owner has")
struct FolderLockTests {
  @Test("a second owner is refused until the first is gone")
  func excludes() throws {
    try withTemporaryFolder { folder in
      do {
        let lock = try FolderLock(folder)
        #expect(lock != nil)
        #expect(try FolderLock(folder) == nil)
      }
      #expect(try FolderLock(folder) != nil)
    }
  }

  @Test("a file and a missing folder are refused")
  func refusals() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("file")
      try Data().write(to: file)
      #expect(throws: FileAccessError.isFile(path: file.path)) { try FolderLock(file) }
      let missing = folder.appendingPathComponent("missing")
      #expect(throws: FileAccessError.notFound(path: missing.path)) { try FolderLock(missing) }
    }
  }
}
