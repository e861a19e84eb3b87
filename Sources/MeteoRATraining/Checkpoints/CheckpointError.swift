import Foundation
import MeteoRAKernels
import MeteoRASafetensors

/// A reason why a checkpoint of training cannot be written, or training cannot go on from one.
public enum CheckpointError: Error, Equatable, Sendable {
  /// A file or folder cannot be read, written or removed.
  case file(FileAccessError)
  /// A file of tensors cannot be taken, or lacks a tensor of the shape asked for.
  case safetensors(SafetensorsError)
  /// `trainer_state.json` cannot be read or breaks its format.
  case json(JSONError)
  /// `trainer_state.json` is of another version.
  case version(file: String, found: Int, supported: Int)
  /// A file does not hold what was written: its SHA-256 is another.
  case damaged(file: String, expected: String, actual: String)
  /// A folder is named after another step than that of its content.
  case misnamed(folder: String, step: Int)
  /// A tensor that this training has no use for.
  case unexpectedTensor(file: String, tensor: String)
  /// A tensor is not F32.
  case elementType(file: String, tensor: String, found: SafetensorsDType)
  /// Training has other settings or reads other files than that of the checkpoint.
  case differs(folder: String, [CheckpointDifference])
  /// A folder holds no checkpoint.
  case noCheckpoint(folder: String)
  /// A folder holds a checkpoint already, where training is to begin.
  case alreadyBegun(folder: String, checkpoint: String)
  /// Another process writes its checkpoints into the folder.
  case inUse(folder: String)
  /// A setting is out of range.
  case outOfRange(String, found: String, expected: String)
  /// The model cannot take the weights.
  case kernel(folder: String, KernelError)
}

extension CheckpointError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .safetensors(let error): "\(error)"
    case .json(let error): "\(error)"
    case .version(let file, let found, let supported):
      "\(shown(file)): format_version is \(found), which is not supported; supported: \(supported)"
    case .damaged(let file, let expected, let actual):
      "\(shown(file)): is not the file that was written: its SHA-256 is \(printable(actual)), "
        + "expected \(printable(expected))"
    case .misnamed(let folder, let step):
      "\(shown(folder)): holds the checkpoint of step \(step), expected that of the folder's name"
    case .unexpectedTensor(let file, let tensor):
      "\(shown(file)): tensor '\(printable(tensor))' is not one of those that are trained"
    case .elementType(let file, let tensor, let found):
      "\(shown(file)): tensor '\(printable(tensor))' has the type \(found), expected F32"
    case .differs(let folder, let differences):
      "\(shown(folder)): belongs to other training: "
        + differences.map(\.description).joined(separator: "; ")
    case .noCheckpoint(let folder):
      "\(shown(folder)): holds no checkpoint, expected a folder such as checkpoint-000100 in it"
    case .alreadyBegun(let folder, let checkpoint):
      "\(shown(folder)): holds \(printable(checkpoint)) already, expected a folder without "
        + "checkpoints, or to go on from it"
    case .inUse(let folder):
      "\(shown(folder)): another process is training into it, expected a folder of its own"
    case .outOfRange(let name, let found, let expected):
      "\(name) is \(printable(found)), expected \(expected)"
    case .kernel(let folder, let error): "\(shown(folder)): \(error)"
    }
  }
}

/// A path in a message; it may hold any byte, but a message is one line.
private func shown(_ path: String) -> String { printable(path, limit: 1024) }

extension CheckpointError: LocalizedError {
  /// The ``description``, for `localizedDescription`.
  public var errorDescription: String? { description }
}
