import MeteoRASafetensors

/// A way in which training now differs from that of a checkpoint.
public enum CheckpointDifference: Sendable, Equatable {
  /// A setting's JSON in the checkpoint and now; `nil` where it is not set.
  case setting(name: String, before: String?, now: String?)
  /// A file with another content than before, that was not there before, or that is no more (its
  /// path is `nil`).
  case file(name: String, wasThere: Bool, path: String?)
}

extension CheckpointDifference: CustomStringConvertible {
  /// A part of a sentence: `learning_rate is 0.001 in the checkpoint, 0.002 now`.
  public var description: String {
    switch self {
    case .setting(let name, let before, let now):
      "\(printable(name)) is \(before ?? "not set") in the checkpoint, \(now ?? "not set") now"
    case .file(let name, true, let path?):
      "\(printable(name, limit: 300)) is another file now (\(printable(path, limit: 1024)))"
    case .file(let name, false, let path?):
      "\(printable(name, limit: 300)) is new (\(printable(path, limit: 1024)))"
    case .file(let name, _, nil):
      "\(printable(name, limit: 300)) is not there any more"
    }
  }
}
