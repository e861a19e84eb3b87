import Foundation
import MeteoRASafetensors
import MeteoRATokenizers

/// A reason why samples cannot be read, encoded or put in order.
public enum TrainingDataError: Error, Equatable, Sendable {
  /// A file or folder cannot be read.
  case file(FileAccessError)
  /// A line of a file is not what it should be.
  case line(JSONLineError)
  /// A file has no line.
  case noSamples(file: String)
  /// The folder holds no folder of a task.
  case noTasks(folder: String)
  /// Folders of tasks for which there is no adapter, and adapters for which there is no folder.
  case unmatched(folder: String, tasks: [String], adapters: [String], known: [String])
  /// The folder holds no task of a name that was asked for.
  case unknownTask(name: String, folder: String, known: [String])
  /// A task is to be two things at once.
  case taskTwice(name: String)
  /// The tokenizer names no token that begins or ends a text; `token` is "BOS" or "EOS".
  case noToken(String)
  /// The tokenizer refuses a text.
  case tokenizer(file: String, line: Int, TokenizerError)
  /// A token has an id that the model has no embedding for.
  case unknownID(file: String, line: Int, id: Int, vocabularySize: Int)
  /// A sample has too few tokens for one to follow another.
  case tooShort(file: String, line: Int, tokens: Int)
  /// The tokens of a sample with spans do not spell its text; `part` is "prompt" or "response", and
  /// the first `bytes` of it are as they should be.
  case misspelled(file: String, line: Int, part: String, bytes: Int)
  /// A setting is out of range.
  case setting(String, found: Int, expected: ClosedRange<Int>)
  /// The caller stopped what was under way.
  case cancelled(file: String)
}

extension TrainingDataError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .line(let error): "\(error)"
    case .noSamples(let file): "\(shown(file)): has no line, expected at least one sample"
    case .noTasks(let folder):
      "\(shown(folder)): holds no folder of a task, expected folders with train.jsonl in them"
    case .unmatched(let folder, let tasks, let adapters, let known):
      "\(shown(folder)): "
        + (tasks.isEmpty
          ? "" : "folders without an adapter of their name: \(Self.list(tasks, near: known)); ")
        + (adapters.isEmpty ? "" : "adapters without a folder: \(NameList(adapters)); ")
        + "expected one folder for each adapter"
    case .unknownTask(let name, let folder, let known):
      "\(shown(folder)): holds no task '\(printable(name))'; "
        + (nearestName(to: name, among: known).map { "the nearest is '\(printable($0))'" }
          ?? "it has \(NameList(known))")
    case .taskTwice(let name):
      "the task '\(printable(name))' is named twice, or as a composite and as an adapter, expected "
        + "once"
    case .noToken(let token):
      "the tokenizer names no \(token) token, expected one, or not to ask for it"
    case .tokenizer(let file, let line, let error): "\(shown(file)):\(line): \(error)"
    case .unknownID(let file, let line, let id, let vocabularySize):
      "\(shown(file)):\(line): the tokenizer gives the id \(id), expected ids below the vocabulary "
        + "size of the model, \(vocabularySize)"
    case .tooShort(let file, let line, let tokens):
      "\(shown(file)):\(line): prompt and response have \(tokens) "
        + "\(tokens == 1 ? "token" : "tokens"), expected at least 2"
    case .misspelled(let file, let line, let part, let bytes):
      "\(shown(file)):\(line): the tokens of the \(part) do not spell it from byte \(bytes) on, but "
        + "spans need a tokenizer whose tokens spell the text"
    case .setting(let name, let found, let expected):
      "\(name) is \(found), expected \(expected.lowerBound) to \(expected.upperBound)"
    case .cancelled(let file): "\(shown(file)): stopped before all samples were read"
    }
  }

  /// Names in a message, each with the one that was probably meant.
  private static func list(_ names: [String], near others: [String]) -> String {
    NameList(names) { name in
      nearestName(to: name, among: others).map { " (the nearest is '\(printable($0, limit: 80))')" }
    }.description
  }
}

/// A path in a message; it may hold any byte, but a message is one line.
private func shown(_ path: String) -> String { printable(path, limit: 1024) }

extension TrainingDataError: LocalizedError {
  /// The ``description``, for `localizedDescription`.
  public var errorDescription: String? { description }
}
