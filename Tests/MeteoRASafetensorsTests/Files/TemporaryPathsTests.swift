import Foundation
import Testing

@testable import MeteoRASafetensors

@Suite("Temporary files under way")
struct TemporaryPathsTests {
  @Test("those that have no final name are removed, folders with all that is in them")
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
      #expect(createFile("begun") >= 0)
      #expect(paths.rename(path("begun"), to: path("kept")) == 0)
      paths.remove(path("kept"))
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
      #expect(paths.rename(path("folder"), to: path("kept")) == ENOENT)
    }
  }

  // MARK: Two threads at once

  /// What one thread does while another removes everything.
  enum Rival: CaseIterable {
    case removal, renaming, writing
  }

  /// As a signal that comes while the first one's removal, or the last step, is under way.
  @Test("whatever is under way, a folder is gone or complete", arguments: Rival.allCases)
  func twoThreads(rival: Rival) throws {
    try withTemporaryFolder { folder in
      let (begun, final) = (
        folder.appendingPathComponent("begun").path, folder.appendingPathComponent("final").path
      )
      for round in 0..<60 {
        let paths = TemporaryPaths()
        #expect(paths.create(begun) { mkdir(begun, 0o700) } == 0)
        for part in 0..<40 {
          mkdir("\(begun)/\(part)", 0o700)
          #expect(symlink("nowhere", "\(begun)/\(part)/link") == 0)
        }
        let start = DispatchSemaphore(value: 0)
        let group = DispatchGroup()
        DispatchQueue.global().async(group: group) {
          start.wait()
          switch rival {
          case .removal: paths.remove(begun)
          case .renaming: _ = paths.rename(begun, to: final)
          case .writing:
            for part in 0..<40 { symlink("nowhere", "\(begun)/\(part)/other") }
            mkdir("\(begun)/new", 0o700)
          }
        }
        start.signal()
        // From nothing to about as long as a removal takes.
        usleep(UInt32(round) * 20)
        var left: [String]?
        var count: Int?
        paths.removeAll {
          left = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
          count = try? FileManager.default.contentsOfDirectory(atPath: final).count
        }
        group.wait()
        #expect(
          try left == FileManager.default.contentsOfDirectory(atPath: folder.path),
          "something came after all was removed")
        if rival != .renaming || left?.isEmpty != false {
          #expect(left == [])
        } else {
          #expect(left == ["final"])
          #expect(count == 40)
          try FileManager.default.removeItem(atPath: final)
        }
      }
    }
  }
}
