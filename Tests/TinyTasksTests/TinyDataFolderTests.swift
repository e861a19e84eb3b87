import Foundation
import MeteoRAEvaluation
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import TinyTasks

@Suite("The folder that the trained bundle is made from")
struct TinyDataFolderTests {
  /// Snapshots: they say that the bytes have not changed, not that they are right.
  /// `Fixtures/oracle/check_tiny_data.py` says that.
  static let knownDigests = [
    "690f30c0a8904ff2e6e7364c7bdee4a5b0e40ac4bc985a40e5fcfc151fda0d36  base/config.json",
    "d7bf0cf5d63db27dc3efb1a5eb898b3535a9fcf8fa6cee0e28936c0fbf9fe097  base/tokenizer.json",
    "4b2607ea2eb7d399402288128d7968796129a79eb18b3e5326ce197ea54d60af  "
      + "data/base/base/train.jsonl",
    "ebee702b24cba0ba541e3d1ecce3b257f9e90ebbbed0af8ca09f8d074cb0fa71  "
      + "data/adapters-lists/pig-latin/train.jsonl",
    "aa5af3af9d080107d83350183e53c0d5a1c40afb5707c76b7d7a2ac7f893309b  "
      + "data/gates-mixed/mixed/train.jsonl",
    "b8d5794091e0db665e3c6d5a2ba72135c52f999302509e5296d771e9df1813e9  "
      + "data/composites/composite-3/test.jsonl",
  ]

  @Test("it has the bytes that it had")
  func hasKnownBytes() throws {
    let digests = try SmallFolder.shared.get().digests()
    for known in Self.knownDigests {
      let path = known.dropFirst(64)
      #expect(digests.first { $0.hasSuffix(path) } == known)
    }
    // And of all files, as `sha256sum` lists them.
    let list = Array((digests.joined(separator: "\n") + "\n").utf8)
    let digest = list.withUnsafeBytes { SHA256.hexDigest(of: $0) }
    #expect(digest == "598477d4edd9d42630b8c5f4e3715640c96a988cc3436e458fff14849ae6870f")
  }

  @Test("the same seed makes the same bytes, another seed other samples")
  func dependsOnSeed() throws {
    let shared = try SmallFolder.shared.get()
    let digests = try shared.digests()
    #expect(try SmallFolder(seed: 47).digests() == digests)
    let other = try SmallFolder(seed: 48)
    #expect(try other.paths() == shared.paths())
    let changed = zip(try other.digests(), digests).filter { $0 != $1 }.map(\.1)
    // All samples change; base and descriptions do not.
    let expected = digests.filter { $0.hasSuffix(".jsonl") }
    #expect(changed == expected)
  }

  @Test("every folder of a task has samples of both sides and a description")
  func hasAllFiles() throws {
    let shared = try SmallFolder.shared.get()
    var expected = [
      "base/config.json", "base/generation_config.json", "base/tokenizer.json",
      "base/tokenizer_config.json",
    ]
    let roots = ["adapters-lists", "gates-lists", "gates-mixed", "singles"]
    let folders =
      roots.flatMap { root in TinyTask.allCases.map { "data/\(root)/\($0.name)" } }
      + ["data/base/base", "data/gates-mixed/mixed"]
    expected += folders.flatMap { ["\($0)/train.jsonl", "\($0)/test.jsonl", "\($0)/task.json"] }
    for length in [3, 5] {
      expected += ["test.jsonl", "task.json"].map { "data/composites/composite-\(length)/\($0)" }
    }
    #expect(Set(try shared.paths()) == Set(expected))
    for path in expected where path.hasSuffix("task.json") {
      let description = try TaskDescription(contentsOf: shared.file(path))
      #expect(description.metric == .exactCase)
    }
  }

  @Test(
    "files have as many lines as were asked for",
    arguments: [
      ("base/base/train.jsonl", 200), ("base/base/test.jsonl", 20),
      ("singles/uppercase/train.jsonl", 40), ("singles/uppercase/test.jsonl", 20),
      ("adapters-lists/uppercase/train.jsonl", 40), ("gates-lists/uppercase/train.jsonl", 10),
      ("gates-mixed/uppercase/train.jsonl", 6), ("gates-mixed/mixed/train.jsonl", 56),
      ("gates-mixed/mixed/test.jsonl", 20), ("composites/composite-3/test.jsonl", 10),
      ("composites/composite-5/test.jsonl", 5),
    ])
  func hasLines(path: String, count: Int) throws {
    #expect(try SmallFolder.shared.get().samples("data/\(path)").count == count)
  }

  @Test("the tests of a task are the same on every rung, and no two requests are")
  func sharesTests() throws {
    let shared = try SmallFolder.shared.get()
    for task in TinyTask.allCases {
      let tests = try ["singles", "adapters-lists", "gates-lists", "gates-mixed"].map {
        try Data(contentsOf: shared.file("data/\($0)/\(task.name)/test.jsonl"))
      }
      #expect(Set(tests).count == 1)
      let requests = try shared.samples("data/singles/\(task.name)/test.jsonl").map(\.prompt)
      #expect(Set(requests).count == SmallFolder.size.test)
    }
  }

  @Test("nothing is written where something is, or beside it")
  func refusesWhatIsThere() throws {
    let folder = try TemporaryFolder()
    try folder.write("x", to: "there")
    let url = folder.url.appendingPathComponent("there")
    #expect(throws: TinyDataError.file(.alreadyThere(path: url.path))) {
      try TinyDataFolder.write(to: url, seed: 1, size: SmallFolder.size)
    }
    #expect(try folder.names() == ["there"])
    let nowhere = folder.url.appendingPathComponent("missing/data")
    let error = #expect(throws: TinyDataError.self) {
      try TinyDataFolder.write(to: nowhere, seed: 1, size: SmallFolder.size)
    }
    #expect(
      error?.description
        == "\(folder.url.appendingPathComponent("missing").path): no such file or folder")
  }

  @Test("a test has at most as many lines as there are requests held out, and no file is empty")
  func refusesSizes() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("data")
    var size = SmallFolder.size
    size.test = 1001
    let error = #expect(throws: TinyDataError.self) {
      try TinyDataFolder.write(to: url, seed: 1, size: size)
    }
    #expect(
      error?.description == "the number of lines of a test is 1001, expected 1 to 1000")
    size = SmallFolder.size
    size.base = 0
    #expect(throws: TinyDataError.size("of the base", found: 0, expected: 1...Int(Int32.max))) {
      try TinyDataFolder.write(to: url, seed: 1, size: size)
    }
    #expect(try folder.names().isEmpty)
  }
}
