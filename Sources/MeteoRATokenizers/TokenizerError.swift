import Foundation
import MeteoRASafetensors

/// A reason why a tokenizer cannot be read or asked.
public enum TokenizerError: Error, Equatable, Sendable {
  /// The file cannot be read.
  case unreadable(FileAccessError)
  /// The folder holds neither `tokenizer.json` nor `tokenizer.model`.
  case noTokenizer(folder: String)
  /// The file cannot be read as JSON, or a field is not what it must be.
  case json(JSONError)
  /// The file has a feature that this package does not take: `feature` is not supported,
  /// `alternative` says what is.
  case unsupported(source: String, feature: String, alternative: String)
  /// The file contradicts itself: `problem` holds the place, what is found and what is expected.
  case malformed(source: String, problem: String)
  /// The bytes to encode are not UTF-8 from `offset` on.
  case invalidUTF8(offset: Int)
  /// The id at index `position` of those to decode names no token.
  case unknownID(Int, position: Int)
}

extension TokenizerError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let error):
      return error.description
    case .noTokenizer(let folder):
      return
        "\(printable(folder, limit: 1024)): holds neither tokenizer.json nor tokenizer.model"
    case .json(let error):
      return error.description
    case .unsupported(let source, let feature, let alternative):
      return "\(printable(source, limit: 1024)): \(feature) is not supported; \(alternative)"
    case .malformed(let source, let problem):
      return "\(printable(source, limit: 1024)): \(problem)"
    case .invalidUTF8(let offset):
      return "the text is not UTF-8: the byte at offset \(offset) belongs to no character"
    case .unknownID(let id, let position):
      return "the id \(id) at index \(position) names no token of the vocabulary"
    }
  }
}

extension TokenizerError: LocalizedError {
  /// The ``description``, for `localizedDescription`.
  public var errorDescription: String? { description }
}
