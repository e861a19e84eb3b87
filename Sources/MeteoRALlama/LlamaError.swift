import Foundation
import MeteoRAKernels
import MeteoRASafetensors

/// A reason why a model cannot be loaded or run.
public enum LlamaError: Error, Equatable, Sendable {
  /// A JSON file cannot be read or breaks its format, or a field has the wrong type.
  case json(JSONError)
  /// A safetensors file cannot be taken, or lacks a tensor of the shape asked for.
  case safetensors(SafetensorsError)
  /// A setting is valid, and not built here.
  case unsupported(file: String, field: String, found: String, supported: String)
  /// A setting contradicts another or is out of range.
  case invalid(file: String, field: String, found: String, expected: String)
  /// The checkpoint holds a tensor that the configuration does not know.
  case unexpectedTensor(file: String, tensor: String)
  /// A tensor has a number type that weights cannot have here.
  case weightType(file: String, tensor: String, found: String)
  /// `tie_word_embeddings` is true and `lm_head.weight` differs from the embedding.
  case tiedHeadDiffers(file: String)
  /// A token id is not below the vocabulary size.
  case tokenOutOfRange(id: Int, position: Int, vocabularySize: Int)
  /// A prompt has no token.
  case emptyPrompt(index: Int)
  /// A prompt is longer than the model's positions.
  case promptTooLong(index: Int, count: Int, maximum: Int)
  /// The logits after a token of a prompt's sequence hold NaN for the token `id`: there is no
  /// largest one to continue with.
  case notANumber(prompt: Int, position: Int, id: Int)
  /// A logit after a token of a prompt's sequence is infinite, that of the token `id`: a token
  /// cannot be drawn. The largest one can be taken.
  case infiniteLogit(prompt: Int, position: Int, id: Int)
  /// A run would have to hold more bytes at once than the machine has memory.
  case exceedsMemory(purpose: String, byteCount: Int, available: Int)
  /// The caller stopped while this was read.
  case cancelled(path: String)
  /// A kernel refuses what it was given.
  case kernel(context: String, KernelError)
}

extension LlamaError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .json(let error): "\(error)"
    case .safetensors(let error): "\(error)"
    case .unsupported(let file, let field, let found, let supported):
      "\(shown(file)): \(printable(field)) is \(printable(found)), which is not supported; "
        + "supported: \(supported)"
    case .invalid(let file, let field, let found, let expected):
      "\(shown(file)): \(printable(field)) is \(printable(found)), expected \(expected)"
    case .unexpectedTensor(let file, let tensor):
      "\(shown(file)): tensor '\(printable(tensor))' is not part of the model that config.json "
        + "describes"
    case .weightType(let file, let tensor, let found):
      "\(shown(file)): tensor '\(printable(tensor))' is \(found), expected F32, BF16 or F16"
    case .tiedHeadDiffers(let file):
      "\(shown(file)): tie_word_embeddings is true, but 'lm_head.weight' differs from the "
        + "embedding, expected the same bytes"
    case .tokenOutOfRange(let id, let position, let size):
      "token id \(id) at position \(position) is outside the vocabulary, expected 0..<\(size)"
    case .emptyPrompt(let index): "prompt \(index) has no token, expected at least one"
    case .promptTooLong(let index, let count, let maximum):
      "prompt \(index) has \(count) tokens, expected at most the model's \(maximum) positions"
    case .notANumber(let prompt, let position, let id):
      "prompt \(prompt): the logits after position \(position) hold NaN for token \(id), expected "
        + "numbers to choose the next token by"
    case .infiniteLogit(let prompt, let position, let id):
      "prompt \(prompt): the logits after position \(position) hold an infinity for token \(id), "
        + "expected finite numbers to draw the next token by"
    case .exceedsMemory(let purpose, let byteCount, let available):
      "\(purpose) would take \(byteCount) bytes, expected at most the \(available) bytes of this "
        + "machine's memory"
    case .cancelled(let path): "\(shown(path)): stopped before it was read"
    case .kernel(let context, let error): "\(shown(context)): \(error)"
    }
  }
}

/// A path in a message; it may hold any byte, but a message is one line.
private func shown(_ path: String) -> String { printable(path, limit: 1024) }

extension LlamaError: LocalizedError {
  /// The ``description``, for `localizedDescription`.
  public var errorDescription: String? { description }
}
