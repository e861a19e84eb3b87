import Foundation
import Testing

@testable import MeteoRASafetensors

@Suite("Safetensors checkpoints")
struct SafetensorsCheckpointTests {
  /// Writes a file whose tensors are one byte each.
  private func write(_ names: [String], to url: URL) throws {
    let writer = try SafetensorsWriter(to: url, tensors: names.map { .init($0, .u8, [1]) })
    for (number, name) in names.enumerated() {
      try [UInt8(number)].withUnsafeBytes { try writer.append(bytes: $0, to: name) }
    }
    try writer.finish()
  }

  /// Opens a folder of these shards and this index.
  private func open(
    shards: [String: [String]], index: String, in folder: URL
  ) throws -> SafetensorsCheckpoint {
    for (shard, names) in shards { try write(names, to: folder.appendingPathComponent(shard)) }
    let url = folder.appendingPathComponent("model.safetensors.index.json")
    try Data(index.utf8).write(to: url)
    return try SafetensorsCheckpoint(folder: folder)
  }

  private func error(shards: [String: [String]], index: String) throws -> SafetensorsError? {
    try withTemporaryFolder { folder in
      do {
        _ = try open(shards: shards, index: index, in: folder)
        return nil
      } catch let error as SafetensorsError {
        #expect(error.category == .malformed)
        #expect(error.description.hasPrefix(folder.path))
        return error
      }
    }
  }

  @Test("it opens a single file, and prefers it to an index")
  func opensSingleFile() throws {
    try withTemporaryFolder { folder in
      try write(["b", "a"], to: folder.appendingPathComponent("model.safetensors"))
      let index = #"{"weight_map":{"a":"gone"}}"#
      let checkpoint = try open(shards: [:], index: index, in: folder)
      #expect(checkpoint.location == folder.path)
      #expect(checkpoint.tensors.map(\.name) == ["a", "b"])
      #expect(checkpoint.files.count == 1)
      #expect(try checkpoint.tensor(named: "b").int64Values() == [0])
      #expect(throws: SafetensorsError.tensorNotFound(file: folder.path, tensor: "c")) {
        try checkpoint.tensor(named: "c")
      }
    }
  }

  @Test("a link that leads nowhere is what it stands for, and is named")
  func danglingLinks() throws {
    try withTemporaryFolder { folder in
      let (single, index) = (
        folder.appendingPathComponent("model.safetensors").path,
        folder.appendingPathComponent("model.safetensors.index.json").path
      )
      for path in [index, single] {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "gone")
        let error = try #require(throws: SafetensorsError.self) {
          try SafetensorsCheckpoint(folder: folder)
        }
        #expect(error.description.hasPrefix("\(path): no such file"), "\(error)")
      }
    }
  }

  @Test("it opens shards in the order of the index, below the folder and behind links too")
  func opensShards() throws {
    try withTemporaryFolder { folder in
      let below = folder.appendingPathComponent("below", isDirectory: true)
      try FileManager.default.createDirectory(at: below, withIntermediateDirectories: false)
      try write(["y"], to: folder.appendingPathComponent("elsewhere"))
      try FileManager.default.createSymbolicLink(
        atPath: folder.appendingPathComponent("link").path, withDestinationPath: "elsewhere")
      let index = """
        {"metadata":{"total_size":3},"weight_map":
        {"z":"2","y":"link","w":"2","x":"below/1"}}
        """
      let shards = ["2": ["w", "z"], "below/1": ["x"]]
      let checkpoint = try open(shards: shards, index: index, in: folder)
      #expect(checkpoint.tensors.map(\.name) == ["w", "z", "y", "x"])
      #expect(checkpoint.tensorIfPresent(named: "x")?.file.hasSuffix("/below/1") == true)
      #expect(checkpoint.tensorIfPresent(named: "v") == nil)
    }
  }

  @Test("it refuses a folder without weights, and one that is missing")
  func refusesEmptyFolder() throws {
    try withTemporaryFolder { folder in
      #expect(throws: SafetensorsError.noWeights(folder: folder.path)) {
        try SafetensorsCheckpoint(folder: folder)
      }
      let missing = folder.appendingPathComponent("missing")
      #expect(throws: SafetensorsError.noWeights(folder: missing.path)) {
        try SafetensorsCheckpoint(folder: missing)
      }
    }
  }

  @Test(
    "it refuses an index that is not one",
    arguments: [
      ("[]", "the document is an array, expected an object"),
      ("{}", "field 'weight_map' is missing"),
      (#"{"weight_map":[]}"#, "field 'weight_map' is an array, expected an object"),
      (#"{"weight_map":{"a":1}}"#, "field 'weight_map.a' is 1, expected a string"),
      (#"{"weight_map":{"a":"x","a":"x"}}"#, "the key 'a' stands here again"),
      (#"{"weight_map":{}}"#, "lists no tensor in its weight_map"),
      ("", "the document ends here, expected a value"),
    ])
  func refusesIndex(index: String, part: String) throws {
    #expect(try error(shards: [:], index: index)?.description.contains(part) == true)
  }

  @Test("it names the index of an empty weight_map")
  func namesEmptyIndex() throws {
    guard case .emptyWeightMap(let index)? = try error(shards: [:], index: #"{"weight_map":{}}"#)
    else {
      Issue.record("an empty index was taken")
      return
    }
    #expect(index.hasSuffix("/model.safetensors.index.json"))
  }

  @Test(
    "it refuses shards outside the folder",
    arguments: [
      "../x", "/etc/passwd", "..", ".", "", "./x", "a/../../x", "a//x", "a/", "x\\u0000y", "/",
    ])
  func refusesOutside(shard: String) throws {
    let index = #"{"weight_map":{"a":"\#(shard)"}}"#
    guard
      case .shardOutsideFolder(_, "a", let found)? = try error(shards: ["x": ["a"]], index: index)
    else {
      Issue.record("the shard '\(shard)' was taken")
      return
    }
    #expect(found == shard.replacing("\\u0000", with: "\u{0}"))
  }

  @Test("it names a missing shard and the first tensor in it")
  func namesMissingShard() throws {
    let index = #"{"weight_map":{"a":"1","b":"2","c":"2"}}"#
    guard case .missingShard(_, "b", "2")? = try error(shards: ["1": ["a"]], index: index) else {
      Issue.record("a missing shard was overlooked")
      return
    }
  }

  @Test("it names a tensor that is not where the index says")
  func namesMisplacedTensors() throws {
    let shards = ["1": ["a"], "2": ["b"]]
    let absent = #"{"weight_map":{"a":"1","b":"2","c":"2"}}"#
    guard case .tensorNotInShard(_, "c", "2")? = try error(shards: shards, index: absent) else {
      Issue.record("an absent tensor was overlooked")
      return
    }
    let swapped = #"{"weight_map":{"a":"2","b":"1"}}"#
    guard case .tensorNotInShard(_, "b", "1")? = try error(shards: shards, index: swapped) else {
      Issue.record("a misplaced tensor was overlooked")
      return
    }
    let fewer = #"{"weight_map":{"a":"1","c":"2"}}"#
    guard case .tensorNotInIndex(_, "b", "2")? = try error(shards: shards, index: fewer) else {
      Issue.record("a tensor that the index lacks was overlooked")
      return
    }
  }

  @Test("it names a tensor that two shards hold")
  func namesTensorInTwoShards() throws {
    let index = #"{"weight_map":{"a":"1","b":"2"}}"#
    let shards = ["1": ["a"], "2": ["a", "b"]]
    guard
      case .tensorInTwoShards(_, "a", let first, let second)? = try error(
        shards: shards, index: index)
    else {
      Issue.record("a tensor in two shards was overlooked")
      return
    }
    #expect(first.hasSuffix("/1"))
    #expect(second.hasSuffix("/2"))
  }

  @Test("it passes on what is wrong with a shard")
  func passesOn() throws {
    try withTemporaryFolder { folder in
      let shard = folder.appendingPathComponent("1")
      try Data("no".utf8).write(to: shard)
      #expect(throws: SafetensorsError.tooShort(file: shard.path, byteCount: 2)) {
        try open(shards: [:], index: #"{"weight_map":{"a":"1"}}"#, in: folder)
      }
      try FileManager.default.removeItem(at: shard)
      try FileManager.default.createDirectory(at: shard, withIntermediateDirectories: false)
      #expect(throws: SafetensorsError.inaccessible(.isFolder(path: shard.path))) {
        try SafetensorsCheckpoint(folder: folder)
      }
    }
  }
}
