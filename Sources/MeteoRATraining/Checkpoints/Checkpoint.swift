import Foundation
import MeteoRAKernels
import MeteoRASafetensors

/// A checkpoint of training: a folder with the trained weights, the optimiser's moments, and how far
/// training has come.
///
/// ```
/// checkpoint-000400/
///   weights.safetensors      every trained tensor, F32, by its name
///   optimizer.safetensors    {name}.exp_avg and {name}.exp_avg_sq, F32
///   trainer_state.json       step, samples, best evaluation, settings, SHA-256
/// ```
package struct Checkpoint {
  package let folder: URL
  private let record: CheckpointRecord

  /// What the optimiser's file calls the two moments of a tensor: as torch does.
  static let firstMoment = ".exp_avg"
  static let secondMoment = ".exp_avg_sq"

  /// How far training had come.
  package var progress: TrainingProgress { record.progress }

  /// Reads what a checkpoint is, and makes sure that all of it is what was written.
  ///
  /// - Throws: ``CheckpointError`` if a file is missing, damaged or another one.
  package init(folder: URL) throws(CheckpointError) {
    self.folder = folder
    record = try CheckpointRecord(
      contentsOf: folder.appendingPathComponent(CheckpointRecord.fileName))
    let step = record.progress.step
    if let named = CheckpointName(folder.lastPathComponent), named.step != step {
      throw .misnamed(folder: folder.path, step: step)
    }
    for (name, expected) in record.digests.sorted(by: { $0.key > $1.key }) {
      let file = folder.appendingPathComponent(name)
      let actual: String
      do throws(FileAccessError) {
        actual = try SHA256.hexDigest(ofFile: file)
      } catch {
        throw .file(error)
      }
      guard actual.utf8.elementsEqual(expected.utf8) else {
        throw .damaged(file: file.path, expected: expected, actual: actual)
      }
    }
  }

  /// The checkpoint that training goes on from.
  package struct Latest {
    package var checkpoint: Checkpoint
    /// What is wrong with those of later steps, the latest first.
    package var damaged: [CheckpointError]
  }

  /// Finds the checkpoint of the highest step, in a folder of checkpoints, that is whole.
  ///
  /// - Returns: `nil` if there is none, damaged or not.
  /// - Throws: ``CheckpointError`` if the folder cannot be listed; what is wrong with the latest if
  ///   none is whole.
  package static func latest(in folder: URL) throws(CheckpointError) -> Latest? {
    var damaged: [CheckpointError] = []
    for name in try CheckpointName.all(in: folder).reversed() {
      do throws(CheckpointError) {
        let checkpoint = try Checkpoint(folder: folder.appendingPathComponent(name.text))
        return Latest(checkpoint: checkpoint, damaged: damaged)
      } catch {
        damaged.append(error)
      }
    }
    if let first = damaged.first { throw first }
    return nil
  }

  /// Throws unless training now is that of the checkpoint.
  ///
  /// - Throws: ``CheckpointError/differs(folder:_:)`` with all differences.
  package func requireSame(_ identity: TrainingIdentity) throws(CheckpointError) {
    let differences: [CheckpointDifference]
    do throws(JSONError) {
      differences = try identity.differences(
        fromSettings: record.settings, fingerprints: record.fingerprints)
    } catch {
      throw .json(error)
    }
    if !differences.isEmpty { throw .differs(folder: folder.path, differences) }
  }

  /// Gives trained tensors the values and moments of the checkpoint, if it holds exactly them.
  ///
  /// - Throws: ``CheckpointError``. The tensors are as they were if one is missing, superfluous, or
  ///   of another shape or type; they may not be if a file cannot be read.
  package func restore(_ tensors: [TrainedTensor]) throws(CheckpointError) {
    let weights = try file(CheckpointRecord.weightsFile)
    let optimiser = try file(CheckpointRecord.optimiserFile)
    var (values, moments): ([StoredTensor], [StoredTensor]) = ([], [])
    for tensor in tensors {
      values.append(try StoredTensor(tensor.name, tensor.values, of: tensor, in: weights))
      for (suffix, target) in [
        (Self.firstMoment, tensor.firstMoment), (Self.secondMoment, tensor.secondMoment),
      ] {
        moments.append(try StoredTensor(tensor.name + suffix, target, of: tensor, in: optimiser))
      }
    }
    try StoredTensor.requireNothingElse(values, in: weights)
    try StoredTensor.requireNothingElse(moments, in: optimiser)
    for stored in values + moments { try stored.load() }
  }

  private func file(_ name: String) throws(CheckpointError) -> SafetensorsFile {
    do throws(SafetensorsError) {
      return try SafetensorsFile(contentsOf: folder.appendingPathComponent(name))
    } catch {
      throw .safetensors(error)
    }
  }
}

/// Numbers in a file, and where they belong.
private struct StoredTensor {
  let source: SafetensorsTensor
  let target: UnsafeMutablePointer<Float>

  init(
    _ name: String, _ target: UnsafeMutablePointer<Float>, of tensor: TrainedTensor,
    in file: SafetensorsFile
  ) throws(CheckpointError) {
    do throws(SafetensorsError) {
      source = try file.tensor(named: name, shape: tensor.shape)
    } catch {
      throw .safetensors(error)
    }
    guard source.dtype == .f32 else {
      throw .elementType(file: file.location, tensor: name, found: source.dtype)
    }
    self.target = target
  }

  static func requireNothingElse(
    _ known: [StoredTensor], in file: SafetensorsFile
  ) throws(CheckpointError) {
    let names = Set(known.map { Array($0.source.name.utf8) })
    for tensor in file.tensors where !names.contains(Array(tensor.name.utf8)) {
      throw .unexpectedTensor(file: file.location, tensor: tensor.name)
    }
  }

  func load() throws(CheckpointError) {
    do throws(SafetensorsError) {
      try source.read(
        at: 0, into: UnsafeMutableRawBufferPointer(start: target, count: source.byteCount))
    } catch {
      throw .safetensors(error)
    }
  }
}

extension TrainableModel {
  /// Goes on from a checkpoint: takes its weights and moments.
  ///
  /// - Returns: How far training had come.
  /// - Throws: ``CheckpointError`` if the checkpoint is one of other training or another model.
  package func resume(
    from checkpoint: Checkpoint, as identity: TrainingIdentity, parallelism: Parallelism
  ) throws(CheckpointError) -> TrainingProgress {
    try checkpoint.requireSame(identity)
    try checkpoint.restore(trained.tensors)
    do throws(KernelError) {
      try adoptTrainedValues(parallelism: parallelism)
    } catch {
      throw .kernel(folder: checkpoint.folder.path, error)
    }
    return checkpoint.progress
  }
}
