import Foundation
import MeteoRAKernels
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRATraining

@Suite("Damaged checkpoints")
struct CheckpointDamageTests {
  private static let files = ["weights.safetensors", "optimizer.safetensors", "trainer_state.json"]

  /// A folder with a checkpoint of step 7 of a tiny model.
  private func checkpoint(
    of tensors: [TrainedTensor], best: TrainingProgress.Evaluation? = nil
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let store = try CheckpointStore(folder.url, keeping: nil)
    store.isDurable = false
    try store.write(
      tensors, progress: TrainingProgress(step: 7, samples: 56, best: best),
      identity: CheckpointExample.identity())
    return folder
  }

  private func open(_ folder: TemporaryFolder) throws -> Checkpoint {
    try Checkpoint(folder: folder.url.appendingPathComponent("checkpoint-000007"))
  }

  private func bytes(_ file: String, of folder: TemporaryFolder) throws -> [UInt8] {
    [UInt8](
      try Data(contentsOf: folder.url.appendingPathComponent("checkpoint-000007/\(file)")))
  }

  private func replace(_ file: String, of folder: TemporaryFolder, by bytes: [UInt8]) throws {
    // Foundation waits for the disk, and so do some file systems where a file takes another's place.
    let url = folder.url.appendingPathComponent("checkpoint-000007/\(file)")
    try FileManager.default.removeItem(at: url)
    try ReplacementFile.write(bytes, to: url)
  }

  /// A tensor of few numbers.
  private func tensor(_ name: String, _ shape: [Int], _ first: Float = 1) -> TrainedTensor {
    let count = shape.reduce(1, *)
    let tensor = TrainedTensor(
      name: name, shape: shape, values: (0..<count).map { first + Float($0) })
    for index in 0..<count {
      tensor.firstMoment[index] = -first
      tensor.secondMoment[index] = 2 * first
    }
    return tensor
  }

  @Test("every flipped bit of a file is found, and the file named", arguments: files)
  func flippedBits(file: String) throws {
    let folder = try checkpoint(of: [tensor("a", [2, 3]), tensor("b", [4])])
    let whole = try bytes(file, of: folder)
    _ = try open(folder)
    for position in whole.indices {
      var damaged = whole
      damaged[position] ^= 1 << UInt8(position % 8)
      try replace(file, of: folder, by: damaged)
      let error = checkpointError { _ = try open(folder) }
      // A damaged digest accuses the file that it is of.
      let isDigest = file == "trainer_state.json"
      #expect(error.map { isDigest || "\($0)".contains("/\(file)") } == true, "byte \(position)")
    }
    try replace(file, of: folder, by: whole)
    _ = try open(folder)
  }

  @Test("every shortened file is found", arguments: files)
  func shortened(file: String) throws {
    let folder = try checkpoint(of: [tensor("a", [2, 3])])
    let whole = try bytes(file, of: folder)
    for length in 0..<whole.count {
      // JSON may end without its line feed, but its digest tells.
      try replace(file, of: folder, by: Array(whole[..<length]))
      let error = checkpointError { _ = try open(folder) }
      #expect(error.map { "\($0)".contains("/\(file)") } == true, "\(length) bytes")
    }
    try replace(file, of: folder, by: whole + [0x20])
    #expect(throws: CheckpointError.self) { try open(folder) }
  }

  @Test("a missing file is named", arguments: files)
  func missing(file: String) throws {
    let folder = try checkpoint(of: [tensor("a", [2])])
    let url = folder.url.appendingPathComponent("checkpoint-000007/\(file)")
    try FileManager.default.removeItem(at: url)
    let error = checkpointError { _ = try open(folder) }
    #expect(error?.description == "\(url.path): no such file or folder")
  }

  @Test("a file of another checkpoint is named", arguments: files)
  func foreign(file: String) throws {
    let folder = try checkpoint(of: [tensor("a", [2])])
    let other = try checkpoint(of: [tensor("a", [2], 5)], best: .init(step: 1, loss: 2))
    try folder.write(bytes(file, of: other), to: "checkpoint-000007/\(file)")
    let error = checkpointError { _ = try open(folder) }
    guard case .damaged(let named, let expected, let actual)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    // The record of another checkpoint is whole, but the weights beside it are not its own.
    let accused = file == "trainer_state.json" ? "weights.safetensors" : file
    #expect(named == folder.url.appendingPathComponent("checkpoint-000007/\(accused)").path)
    #expect(expected != actual && expected.utf8.count == 64)
    #expect(
      error?.description
        == "\(named): is not the file that was written: its SHA-256 is \(actual), expected \(expected)"
    )
  }

  @Test("a state that another program wrote is refused by its first missing field")
  func foreignState() throws {
    let folder = try checkpoint(of: [tensor("a", [2])])
    let path = "checkpoint-000007/trainer_state.json"
    let place = "\(folder.url.path)/\(path)"
    for (text, message) in [
      (
        #"{"best_metric": null, "global_step": 7}"#,
        "\(place):1:1 (byte 0): field 'format_version' is missing"
      ),
      (
        #"{"format_version": 2}"#,
        "\(place): format_version is 2, which is not supported; supported: 1"
      ),
      (#"{"format_version": 1}"#, "\(place):1:1 (byte 0): field 'sha256' is missing"),
      (
        #"{"format_version": 1, "sha256": {"trainer_state.json": 3}}"#,
        "\(place):1:56 (byte 55): field 'sha256[\"trainer_state.json\"]' is 3, expected a string"
      ),
      ("[]", "\(place):1:1 (byte 0): the document is an array, expected an object"),
    ] {
      try folder.write(text, to: path)
      let error = checkpointError { _ = try open(folder) }
      #expect(error?.description == message)
    }
  }

  @Test("a folder that was given the name of another step is refused")
  func misnamed() throws {
    let folder = try checkpoint(of: [tensor("a", [2])])
    let place = folder.url.appendingPathComponent("checkpoint-000008")
    try FileManager.default.moveItem(
      at: folder.url.appendingPathComponent("checkpoint-000007"), to: place)
    let error = CheckpointError.misnamed(folder: place.path, step: 7)
    #expect(throws: error) { try Checkpoint(folder: place) }
    #expect(
      "\(error)"
        == "\(place.path): holds the checkpoint of step 7, expected that of the folder's name")
    let own = folder.url.appendingPathComponent("the best")
    try FileManager.default.moveItem(at: place, to: own)
    #expect(try Checkpoint(folder: own).progress.step == 7)
  }

  @Test("tensors that are missing, superfluous or of another shape are named")
  func tensors() throws {
    let folder = try checkpoint(of: [tensor("a", [2, 3]), tensor("b", [4])])
    let checkpoint = try open(folder)
    let weights = "\(checkpoint.folder.path)/weights.safetensors"
    for (tensors, expected) in [
      (
        [tensor("a", [2, 3], 9), tensor("b", [4], 9), tensor("c", [1], 9)],
        CheckpointError.safetensors(.tensorNotFound(file: weights, tensor: "c"))
      ),
      ([tensor("a", [2, 3], 9)], .unexpectedTensor(file: weights, tensor: "b")),
      (
        [tensor("a", [3, 2], 9), tensor("b", [4], 9)],
        .safetensors(
          .shapeMismatch(file: weights, tensor: "a", expected: [3, 2], actual: [2, 3]))
      ),
    ] {
      let before = tensors.map { $0.array + $0.firstMomentArray + $0.secondMomentArray }
      #expect(throws: expected) { try checkpoint.restore(tensors) }
      #expect(tensors.map { $0.array + $0.firstMomentArray + $0.secondMomentArray } == before)
    }
    let same = [tensor("b", [4], 9), tensor("a", [2, 3], 9)]
    try checkpoint.restore(same)
    #expect(same[1].array == [1, 2, 3, 4, 5, 6])
    #expect(same[1].firstMomentArray == [Float](repeating: -1, count: 6))
    #expect(same[0].secondMomentArray == [2, 2, 2, 2])
    #expect(
      CheckpointError.unexpectedTensor(file: "f", tensor: "b").description
        == "f: tensor 'b' is not one of those that are trained")
    #expect(
      CheckpointError.elementType(file: "f", tensor: "b", found: .bf16).description
        == "f: tensor 'b' has the type BF16, expected F32")
  }
}
