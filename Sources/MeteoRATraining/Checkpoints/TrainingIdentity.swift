import Foundation
import MeteoRA
import MeteoRASafetensors

/// What decides the bits of training: with the same identity, training that was stopped goes on to
/// the bits of training that was not.
///
/// Threads, paths and what is only reported are no part of it.
package struct TrainingIdentity: Sendable {
  /// The content of a file that training reads.
  package struct Fingerprint: Sendable, Equatable {
    /// What the file is for, such as `base/model.safetensors`; no path, which may change.
    package var name: String
    /// 64 lower-case hexadecimal digits.
    package var sha256: String
    /// Where the file is now, for messages.
    package var path: String

    /// - Throws: ``FileAccessError`` if the file cannot be read.
    package init(_ name: String, of file: URL) throws(FileAccessError) {
      self.name = name
      sha256 = try SHA256.hexDigest(ofFile: file)
      path = file.path
    }
  }

  /// Each key once.
  package var settings: [(key: String, value: JSONOutput)]
  /// Of model files, data and tokenizer, each name once.
  package var fingerprints: [Fingerprint]

  package init(settings: [(key: String, value: JSONOutput)], fingerprints: [Fingerprint]) {
    self.settings = settings
    self.fingerprints = fingerprints
  }

  /// The differences from what a checkpoint was written with.
  ///
  /// - Parameters:
  ///   - oldSettings: An object.
  ///   - oldFingerprints: An object of digests.
  func differences(
    fromSettings oldSettings: JSONValue, fingerprints oldFingerprints: JSONValue
  ) throws(JSONError) -> [CheckpointDifference] {
    let now = try JSONDocument(bytes: JSONOutput.object(settings).line, source: "settings").root
    var oldFiles: [(name: String, value: JSONValue)] = []
    for (key, digest) in try oldFingerprints.membersValue() {
      oldFiles.append((try key.stringValue(), digest))
    }
    return Self.compare(
      try SettingLeaf.all(of: oldSettings), try SettingLeaf.all(of: now),
      isEqual: { $0.equals($1) },
      difference: { .setting(name: $0, before: $1?.text, now: $2?.text) })
      + Self.compare(
        oldFiles, fingerprints.map { ($0.name, $0) }, isEqual: { $0.equals($1.sha256) },
        difference: { .file(name: $0, wasThere: $1 != nil, path: $2?.path) })
  }

  /// Compares two lists by name: first what was there before, in that order.
  private static func compare<Before, Now>(
    _ before: [(name: String, value: Before)], _ now: [(name: String, value: Now)],
    isEqual: (Before, Now) -> Bool,
    difference: (_ name: String, Before?, Now?) -> CheckpointDifference
  ) -> [CheckpointDifference] {
    var rest: [[UInt8]: Now] = [:]
    for (name, value) in now { rest[Array(name.utf8)] = value }
    var differences: [CheckpointDifference] = []
    for (name, value) in before {
      let other = rest.removeValue(forKey: Array(name.utf8))
      if let other, isEqual(value, other) { continue }
      differences.append(difference(name, value, other))
    }
    for (name, value) in now where rest[Array(name.utf8)] != nil {
      differences.append(difference(name, nil, value))
    }
    return differences
  }
}

extension TrainingIdentity {
  /// The files of a model, by names that say what they are for.
  ///
  /// - Throws: ``MeteoRAError/safetensors(_:)`` if the base's weights cannot be found.
  package static func files(
    of files: ModelFiles
  ) throws(MeteoRAError) -> [(name: String, file: URL)] {
    let base = BaseFolder(folder: files.base)
    var names = [BaseFolder.configuration] + base.companions
    names += try base.weightFileNames()
    var all = names.map { ("base/\($0)", files.base.appendingPathComponent($0)) }
    for adapter in files.adapters {
      for name in [PEFTAdapter.configurationFile, PEFTAdapter.weightsFile] {
        all.append(
          ("adapters/\(adapter.name)/\(name)", adapter.folder.appendingPathComponent(name)))
      }
    }
    switch files.gates {
    case .absent: break
    case .file(let url): all.append(("gates", url))
    case .checkpoint(let url): all.append(("checkpoint", url))
    }
    return all
  }
}
