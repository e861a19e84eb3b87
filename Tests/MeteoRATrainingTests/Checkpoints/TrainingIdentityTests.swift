import Foundation
import MeteoRAKernels
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("What decides the bits of training")
struct TrainingIdentityTests {
  typealias Settings = [(key: String, value: JSONOutput)]

  /// What a checkpoint of the example says to another identity.
  private func differences(_ identity: TrainingIdentity) throws -> [CheckpointDifference] {
    let folder = try TemporaryFolder()
    let training = try CheckpointExample(.gates)
    let store = try CheckpointStore(folder.url, keeping: nil)
    store.isDurable = false
    try training.write(step: 1, to: store)
    let before = training.bits
    let checkpoint = try store.latest().checkpoint
    let error = checkpointError {
      _ = try training.example.model.resume(
        from: checkpoint, as: identity, parallelism: .serial)
    }
    #expect(training.bits == before)
    guard let error else { return [] }
    guard case .differs(checkpoint.folder.path, let differences) = error else {
      Issue.record("\(error)")
      return []
    }
    let list = differences.map(\.description).joined(separator: "; ")
    #expect("\(error)" == "\(checkpoint.folder.path): belongs to other training: \(list)")
    return differences
  }

  private func differences(_ change: (inout Settings) -> Void) throws -> [String] {
    var settings = CheckpointExample.settings
    change(&settings)
    return try differences(try CheckpointExample.identity(settings: settings)).map(\.description)
  }

  @Test("the same settings in another order and spelling of numbers are the same")
  func same() throws {
    #expect(
      try differences {
        $0.reverse()
        $0[$0.count - 1].value = .float(0.001)
        $0[$0.count - 2].value = .number(7)
      } == [])
  }

  @Test("all settings that differ are listed")
  func settings() throws {
    let found = try differences {
      $0[0].value = .number(0.002)
      $0[2].value = .object([("shape", .string("linear")), ("cycles", .integer(2))])
      $0[3].value = .array([.string("q_proj")])
      $0.remove(at: 4)
      $0.append(("balance", .integer(50)))
    }
    #expect(
      found == [
        "learning_rate is 0.001 in the checkpoint, 0.002 now",
        "schedule.shape is \"cosine\" in the checkpoint, \"linear\" now",
        "schedule.warmup_ratio is 0.1 in the checkpoint, not set now",
        "modules[1] is \"v_proj\" in the checkpoint, not set now",
        "append_eos is true in the checkpoint, not set now",
        "schedule.cycles is not set in the checkpoint, 2 now",
        "balance is not set in the checkpoint, 50 now",
      ])
  }

  @Test(
    "values of other types and near values differ",
    arguments: [
      (0, JSONOutput.string("0.001")), (0, .number(0.001.nextUp)), (0, .null), (1, .bool(true)),
      (1, .integer(8)), (3, .array([])), (3, .object([])), (4, .bool(false)), (5, .integer(0)),
    ])
  func differ(index: Int, value: JSONOutput) throws {
    #expect(try !differences { $0[index].value = value }.isEmpty)
  }

  @Test("integers beyond binary64 are told apart")
  func integers() throws {
    let folder = try TemporaryFolder()
    let training = try CheckpointExample(.gates)
    let store = try CheckpointStore(folder.url, keeping: nil)
    let seed = 1 << 53
    try store.write(
      training.tensors, progress: TrainingProgress(),
      identity: CheckpointExample.identity(settings: [("seed", .integer(seed))]))
    let checkpoint = try store.latest().checkpoint
    try checkpoint.requireSame(CheckpointExample.identity(settings: [("seed", .integer(seed))]))
    #expect(throws: CheckpointError.self) {
      try checkpoint.requireSame(
        CheckpointExample.identity(settings: [("seed", .integer(seed + 1))]))
    }
  }

  @Test("files with another content, new and missing ones are named with their paths")
  func files() throws {
    let identity = try CheckpointExample.identity([
      ("base/model.safetensors", "abd"), ("datasets/sort/train.jsonl", "x"),
    ])
    let found = try differences(identity)
    #expect(
      found.map(\.description) == [
        "base/model.safetensors is another file now (\(identity.fingerprints[0].path))",
        "datasets/sort/train.jsonl is new (\(identity.fingerprints[1].path))",
      ])
    let nothing = try differences(CheckpointExample.identity([]))
    #expect(nothing.map(\.description) == ["base/model.safetensors is not there any more"])
  }

  @Test("paths are no part of it")
  func paths() throws {
    let (first, second) = try (CheckpointExample.identity(), CheckpointExample.identity())
    #expect(first.fingerprints[0].path != second.fingerprints[0].path)
    #expect(try differences(second) == [])
  }

  @Test("a setting that is given twice is refused")
  func twice() throws {
    let folder = try TemporaryFolder()
    let store = try CheckpointStore(folder.url, keeping: nil)
    let error = checkpointError {
      try store.write(
        CheckpointExample(.gates).tensors, progress: TrainingProgress(),
        identity: CheckpointExample.identity(settings: [("a", .integer(1)), ("a", .integer(1))]))
    }
    guard case .json(let json)? = error, case .duplicateKey("a") = json.problem else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try folder.names() == [])
  }
}
