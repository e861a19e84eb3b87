import Foundation
import MeteoRASafetensors

/// The checkpoints of training that is under way, in a folder that no other process trains into.
///
/// A checkpoint is written under a hidden name, and is there under its own name whole or not at all,
/// whatever ends the process. It is on the disk before any older one is removed.
package final class CheckpointStore {
  package let folder: URL
  private let lock: FolderLock
  /// How many checkpoints stay; `nil` for all.
  private let kept: Int?
  /// Called behind every part of the writing; for tests.
  var onStage: (Stage) throws(CheckpointError) -> Void = { _ throws(CheckpointError) in }

  /// Whether to wait for the disk; tests that write many checkpoints do not.
  var isDurable = true

  /// The parts of writing a checkpoint.
  enum Stage: CaseIterable {
    case begun, weights, optimiser, record, named, removed
  }

  private static let temporaryPrefix = ".checkpoint-"

  /// Takes a folder, and removes what a killed process left in it.
  ///
  /// - Parameters:
  ///   - folder: Is made if it is missing; its parent must be there.
  ///   - kept: As many checkpoints stay when one was written: the newest, the one of the best
  ///     evaluation, and of the others the later ones. At least 1; `nil` for all.
  /// - Throws: ``CheckpointError`` if the folder cannot be had.
  package init(_ folder: URL, keeping kept: Int?) throws(CheckpointError) {
    if let kept, kept < 1 {
      throw .outOfRange(
        "the number of checkpoints to keep", found: "\(kept)", expected: "1 or more")
    }
    self.folder = folder
    self.kept = kept
    let lock: FolderLock?
    do throws(FileAccessError) {
      if mkdir(folder.path, 0o777) == 0 {
        try DiskSynchronization.synchronize(folder.deletingLastPathComponent().path)
      } else if errno != EEXIST {
        throw FileAccessError(code: errno, path: folder.path, operation: "write")
      }
      lock = try FolderLock(folder)
    } catch {
      throw .file(error)
    }
    guard let lock else { throw .inUse(folder: folder.path) }
    self.lock = lock
    do throws(FileAccessError) {
      try NewFolder.removeLeftovers(Self.temporaryPrefix, in: folder)
    } catch {
      throw .file(error)
    }
  }

  /// The newest whole checkpoint; see ``Checkpoint/latest(in:)``.
  ///
  /// - Throws: ``CheckpointError/noCheckpoint(folder:)`` if there is none.
  package func latest() throws(CheckpointError) -> Checkpoint.Latest {
    guard let latest = try Checkpoint.latest(in: folder) else {
      throw .noCheckpoint(folder: folder.path)
    }
    return latest
  }

  /// The checkpoint of a step.
  package func checkpoint(ofStep step: Int) throws(CheckpointError) -> Checkpoint {
    try Checkpoint(folder: folder.appendingPathComponent(CheckpointName(step: step).text))
  }

  /// Throws if the folder holds a checkpoint, where training is to begin.
  package func requireNone() throws(CheckpointError) {
    if let last = try CheckpointName.all(in: folder).last {
      throw .alreadyBegun(folder: folder.path, checkpoint: last.text)
    }
  }

  /// Writes a checkpoint, then removes those that are too many.
  ///
  /// A checkpoint of the same step, which can only be a damaged one or the same, is replaced.
  ///
  /// - Parameter tensors: All that is trained.
  /// - Returns: The folder of the checkpoint.
  /// - Throws: ``CheckpointError``; the earlier checkpoints are all there then, unless it is about
  ///   removing one of them.
  @discardableResult
  package func write(
    _ tensors: [TrainedTensor], progress: TrainingProgress, identity: TrainingIdentity
  ) throws(CheckpointError) -> URL {
    if let best = progress.best, !best.loss.isFinite {
      throw .outOfRange(
        "the loss of the best evaluation", found: "\(best.loss)", expected: "finite")
    }
    let name = CheckpointName(step: progress.step)
    let place = folder.appendingPathComponent(name.text, isDirectory: true)
    let target: NewFolder
    do throws(FileAccessError) {
      target = try NewFolder(creating: place, prefix: Self.temporaryPrefix, replaces: true)
    } catch {
      throw .file(error)
    }
    try onStage(.begun)
    try writeWeights(tensors, in: target.temporary)
    try onStage(.weights)
    try writeMoments(tensors, in: target.temporary)
    try onStage(.optimiser)
    try writeRecord(progress, identity, in: target.temporary)
    try onStage(.record)
    do throws(FileAccessError) {
      try target.commit(isDurable: isDurable)
    } catch {
      throw .file(error)
    }
    try onStage(.named)
    try removeOld(newest: progress.step, best: progress.best?.step)
    try onStage(.removed)
    return place
  }

  private func writeWeights(_ tensors: [TrainedTensor], in target: URL) throws(CheckpointError) {
    try write(
      tensors.map { ($0.name, $0.shape, $0.count, $0.values) },
      to: target.appendingPathComponent(CheckpointRecord.weightsFile))
  }

  private func writeMoments(_ tensors: [TrainedTensor], in target: URL) throws(CheckpointError) {
    try write(
      tensors.flatMap { tensor in
        [
          (tensor.name + Checkpoint.firstMoment, tensor.shape, tensor.count, tensor.firstMoment),
          (tensor.name + Checkpoint.secondMoment, tensor.shape, tensor.count, tensor.secondMoment),
        ]
      }, to: target.appendingPathComponent(CheckpointRecord.optimiserFile))
  }

  private func write(
    _ tensors: [(name: String, shape: [Int], count: Int, values: UnsafeMutablePointer<Float>)],
    to file: URL
  ) throws(CheckpointError) {
    do throws(SafetensorsError) {
      let writer = try SafetensorsWriter(
        to: file, tensors: tensors.map { .init($0.name, .f32, $0.shape) },
        metadata: ["format": "pt"])
      for tensor in tensors {
        let bytes = UnsafeRawBufferPointer(
          start: tensor.values, count: tensor.count * MemoryLayout<Float>.size)
        try writer.append(bytes: bytes, to: tensor.name)
      }
      try writer.finish()
    } catch {
      throw .safetensors(error)
    }
  }

  private func writeRecord(
    _ progress: TrainingProgress, _ identity: TrainingIdentity, in target: URL
  ) throws(CheckpointError) {
    var digests: [(file: String, String)] = []
    let record: [UInt8]
    do throws(FileAccessError) {
      for name in [CheckpointRecord.weightsFile, CheckpointRecord.optimiserFile] {
        digests.append((name, try SHA256.hexDigest(ofFile: target.appendingPathComponent(name))))
      }
    } catch {
      throw .file(error)
    }
    do throws(JSONError) {
      record = try CheckpointRecord.bytes(progress, identity: identity, digests: digests)
    } catch {
      throw .json(error)
    }
    do throws(FileAccessError) {
      try ReplacementFile.write(
        record, to: target.appendingPathComponent(CheckpointRecord.fileName))
    } catch {
      throw .file(error)
    }
  }

  private func removeOld(newest: Int, best: Int?) throws(CheckpointError) {
    guard let kept else { return }
    let names = try CheckpointName.all(in: folder)
    let removable = names.filter { $0.step != newest && $0.step != best }
    do throws(FileAccessError) {
      for name in removable.prefix(max(0, names.count - kept)) {
        try NewFolder.remove(
          folder.appendingPathComponent(name.text), prefix: Self.temporaryPrefix)
      }
    } catch {
      throw .file(error)
    }
  }
}
