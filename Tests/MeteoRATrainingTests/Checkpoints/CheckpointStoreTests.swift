import Foundation
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("Writing checkpoints")
struct CheckpointStoreTests {
  /// Steps of the checkpoints in a folder.
  private func steps(_ folder: URL) throws -> [Int] {
    try CheckpointName.all(in: folder).map(\.step)
  }

  @Test("the newest ones stay, and that of the best evaluation")
  func keeps() throws {
    let training = try CheckpointExample(.gates)
    for (kept, best, expected) in [
      (1, nil, [[1], [2], [3], [4], [5]]),
      (2, nil, [[1], [1, 2], [2, 3], [3, 4], [4, 5]]),
      (1, 2, [[1], [2], [2, 3], [2, 4], [2, 5]]),
      (2, 1, [[1], [1, 2], [1, 3], [1, 4], [1, 5]]),
      (3, 2, [[1], [1, 2], [1, 2, 3], [2, 3, 4], [2, 4, 5]]),
      (nil, 1, [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4, 5]]),
    ] as [(Int?, Int?, [[Int]])] {
      let folder = try TemporaryFolder()
      let store = try CheckpointStore(folder.url, keeping: kept)
      store.isDurable = false
      for (step, expected) in zip(1..., expected) {
        let best = best.flatMap {
          $0 <= step ? TrainingProgress.Evaluation(step: $0, loss: 1) : nil
        }
        try training.write(step: step, best: best, to: store)
        #expect(try steps(folder.url) == expected)
        #expect(try folder.names().count == expected.count)
        #expect(try store.latest().checkpoint.progress.step == step)
      }
    }
  }

  @Test("what is written again stays although later ones are there, and takes the old one's place")
  func again() throws {
    let folder = try TemporaryFolder()
    let training = try CheckpointExample(.gates)
    let store = try CheckpointStore(folder.url, keeping: 2)
    for step in [5, 9] { try training.write(step: step, to: store) }
    try folder.write("no checkpoint", to: "checkpoint-000009/weights.safetensors")
    try training.write(step: 7, to: store)
    #expect(try steps(folder.url) == [7, 9])
    try training.train(0..<1)
    try training.write(step: 9, to: store)
    let found = try store.latest()
    #expect(found.damaged.isEmpty)
    let other = try CheckpointExample(.gates)
    try found.checkpoint.restore(other.tensors)
    #expect(other.bits == training.bits)
  }

  @Test(
    "a process that is killed at any moment leaves whole checkpoints, and the next one tidies up",
    arguments: CheckpointStore.Stage.allCases)
  func killed(stage killed: CheckpointStore.Stage) throws {
    let folder = try TemporaryFolder()
    let output = folder.url.appendingPathComponent("out")
    let left = folder.url.appendingPathComponent("left")
    let training = try CheckpointExample(.gates)
    var new: [[UInt32]] = []
    let old = training.bits
    do {
      let store = try CheckpointStore(output, keeping: 1)
      try training.write(step: 1, to: store)
      try training.train(0..<1)
      new = training.bits
      // What the disk holds when the process ends there.
      store.onStage = { stage throws(CheckpointError) in
        if stage == killed { try? FileManager.default.copyItem(at: output, to: left) }
      }
      try training.write(step: 2, to: store)
    }
    let isThere = killed == .named || killed == .removed
    let expectedSteps = killed == .removed ? [2] : isThere ? [1, 2] : [1]
    #expect(try steps(left) == expectedSteps)
    let hidden = try FileManager.default.contentsOfDirectory(atPath: left.path)
      .filter { $0.hasPrefix(".checkpoint-") }
    #expect(hidden.count == (isThere ? 0 : 1))

    let store = try CheckpointStore(left, keeping: 1)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: left.path).count == expectedSteps.count)
    let found = try store.latest()
    #expect(found.damaged.isEmpty)
    #expect(found.checkpoint.progress.step == (isThere ? 2 : 1))
    let resumed = try CheckpointExample(.gates)
    _ = try resumed.example.model.resume(
      from: found.checkpoint, as: CheckpointExample.identity(), parallelism: .serial)
    #expect(resumed.bits == (isThere ? new : old))
    #expect(old != new)
  }

  @Test(
    "an error at any moment keeps the earlier checkpoints and leaves nothing else",
    arguments: CheckpointStore.Stage.allCases)
  func fails(stage failing: CheckpointStore.Stage) throws {
    let folder = try TemporaryFolder()
    let training = try CheckpointExample(.gates)
    let store = try CheckpointStore(folder.url, keeping: 2)
    for step in 1...2 { try training.write(step: step, to: store) }
    let full = CheckpointError.file(.system(path: "f", operation: "write", code: ENOSPC))
    store.onStage = { stage throws(CheckpointError) in if stage == failing { throw full } }
    #expect(throws: full) { try training.write(step: 3, to: store) }
    let expected =
      switch failing {
      case .begun, .weights, .optimiser, .record: [1, 2]
      case .named: [1, 2, 3]
      case .removed: [2, 3]
      }
    #expect(try steps(folder.url) == expected)
    #expect(try folder.names().count == expected.count)
    #expect(full.description == "f: cannot write: No space left on device (error 28)")
    store.onStage = { _ throws(CheckpointError) in }
    try training.write(step: 3, to: store)
    #expect(try steps(folder.url) == [2, 3])
  }

  @Test("a folder that cannot be written is refused", .enabled(if: geteuid() != 0))
  func unwritable() throws {
    let folder = try TemporaryFolder()
    let output = folder.url.appendingPathComponent("out")
    let training = try CheckpointExample(.gates)
    let store = try CheckpointStore(output, keeping: nil)
    try training.write(step: 1, to: store)
    chmod(output.path, 0o500)
    defer { chmod(output.path, 0o700) }
    let error = checkpointError { try training.write(step: 2, to: store) }
    guard case .file(.noPermission(_, "write"))? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try store.latest().checkpoint.progress.step == 1)
  }

  @Test("a folder that is gone, a file in its place and a place without parent are refused")
  func noFolder() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("", to: "file")
    #expect(throws: CheckpointError.file(.isFile(path: file.path))) {
      try CheckpointStore(file, keeping: nil)
    }
    let far = folder.url.appendingPathComponent("no/parent")
    #expect(throws: CheckpointError.file(.notFound(path: far.path))) {
      try CheckpointStore(far, keeping: nil)
    }
    let output = folder.url.appendingPathComponent("out")
    let store = try CheckpointStore(output, keeping: nil)
    try FileManager.default.removeItem(at: output)
    let error = checkpointError { try CheckpointExample(.gates).write(step: 1, to: store) }
    #expect(error == .file(.notFound(path: output.path)))
    #expect(throws: CheckpointError.file(.notFound(path: output.path))) { try store.latest() }
  }

  @Test("a folder has one owner")
  func oneOwner() throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: ".checkpoint-x.tmp/weights.safetensors")
    let store = try CheckpointStore(folder.url, keeping: nil)
    #expect(try folder.names() == [])
    try folder.write("", to: ".checkpoint-x.tmp/weights.safetensors")
    let error = CheckpointError.inUse(folder: folder.url.path)
    #expect(throws: error) { try CheckpointStore(folder.url, keeping: nil) }
    #expect(try folder.names() == [".checkpoint-x.tmp"])
    #expect(
      "\(error)"
        == "\(folder.url.path): another process is training into it, expected a folder of its own")
    try store.requireNone()
  }

  @Test("a number of checkpoints below 1 and a loss that is not finite are refused")
  func ranges() throws {
    let folder = try TemporaryFolder()
    let error = CheckpointError.outOfRange(
      "the number of checkpoints to keep", found: "0", expected: "1 or more")
    #expect(throws: error) { try CheckpointStore(folder.url, keeping: 0) }
    #expect("\(error)" == "the number of checkpoints to keep is 0, expected 1 or more")
    let store = try CheckpointStore(folder.url, keeping: 1)
    #expect(throws: CheckpointError.self) {
      try CheckpointExample(.gates).write(step: 1, best: .init(step: 1, loss: .nan), to: store)
    }
    #expect(try folder.names() == [])
  }
}
