import Foundation
import MeteoRASafetensors

/// A reason why a golden pack cannot be read, or one of its cases cannot be run.
public enum VerificationError: Error, Equatable, Sendable {
  /// A JSON file of the pack cannot be read or is not what the format asks for; `nil` outside a
  /// case.
  case json(case: String?, JSONError)
  /// Two cases of a manifest have the same id.
  case duplicateCase(manifest: String, id: String)
  /// A file of a case cannot be read.
  case unreadable(case: String, FileAccessError)
  /// A file has another SHA-256 than the manifest says.
  case damaged(case: String, file: String, expected: String, actual: String)
  /// A tensor of a case cannot be read; `nil` for a file of candidates.
  case safetensors(case: String?, SafetensorsError)
  /// A tensor has another type or shape than the manifest says.
  case declarationMismatch(
    case: String, file: String, tensor: String, expected: String, actual: String)
  /// The case has no input of this name.
  case missingInput(case: String, name: String)
  /// An input or output of a case is a file where a tensor is needed.
  case notATensor(case: String, name: String)
  /// An input has another number of dimensions, or another kind of elements, than the operation
  /// takes.
  case inputMismatch(case: String, name: String, expected: String, actual: String)
  /// An output would be large, and larger than the case expects it; `nil` if it expects none.
  case outputTooLarge(case: String, name: String, shape: [Int], expected: [Int]?)
  /// No operation has this name.
  case unknownOperation(case: String, operation: String)
  /// The operation has nothing that the case's check could compare.
  case inapplicableCheck(case: String, operation: String)
  /// The code under test refuses what the case gives it.
  case refused(case: String, reason: String)
}

extension VerificationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .json(let id, let error): "\(Self.place(id))\(error)"
    case .duplicateCase(let manifest, let id):
      "\(manifest): the case '\(id)' stands in the manifest twice, expected each id once"
    case .unreadable(let id, let error): "\(id): \(error)"
    case .damaged(let id, let file, let expected, let actual):
      "\(id): \(file) has the SHA-256 \(actual), the manifest says \(expected)"
    case .safetensors(let id, let error): "\(Self.place(id))\(error)"
    case .declarationMismatch(let id, let file, let tensor, let expected, let actual):
      "\(id): \(file): tensor '\(printable(tensor))' is \(actual), the manifest says \(expected)"
    case .missingInput(let id, let name): "\(id): the input '\(name)' is missing"
    case .notATensor(let id, let name): "\(id): '\(name)' is a file, expected a tensor"
    case .inputMismatch(let id, let name, let expected, let actual):
      "\(id): the input '\(name)' is \(actual), expected \(expected)"
    case .outputTooLarge(let id, let name, let shape, let expected):
      "\(id): not run, since the output '\(name)' would be of shape \(shape), "
        + "the case expects \(expected.map { "\($0)" } ?? "none")"
    case .unknownOperation(let id, let operation):
      "\(id): not run, since the operation '\(operation)' is unknown"
    case .inapplicableCheck(let id, let operation):
      "\(id): not run, since the case's check does not fit the operation '\(operation)'"
    case .refused(let id, let reason): "\(id): \(reason)"
    }
  }

  private static func place(_ id: String?) -> String { id.map { "\($0): " } ?? "" }
}

extension VerificationError: LocalizedError {
  /// The ``description``, for `localizedDescription`.
  public var errorDescription: String? { description }
}
