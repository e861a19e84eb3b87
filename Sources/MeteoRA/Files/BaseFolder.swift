import Foundation
import MeteoRASafetensors

/// The files of a plain Hugging Face folder that make a model; all names are relative to it.
struct BaseFolder {
  let folder: URL

  static let configuration = "config.json"
  static let weights = "model.safetensors"
  static let index = "model.safetensors.index.json"

  /// Files that are taken if they are there.
  static let optionalFiles = [
    "generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
  ]

  /// What is there beside configuration and weights.
  var companions: [String] {
    Self.optionalFiles.filter { FileStatus.isThere(folder.appendingPathComponent($0)) }
  }

  /// `model.safetensors`, or the shards that the index names.
  ///
  /// - Returns: The open files and their names, and whether an index lists them.
  /// - Throws: ``MeteoRAError/safetensors(_:)``.
  func weightFiles() throws(MeteoRAError) -> (
    files: [(name: String, content: SafetensorsFile)], areShards: Bool
  ) {
    let checkpoint: SafetensorsCheckpoint
    do throws(SafetensorsError) {
      checkpoint = try SafetensorsCheckpoint(folder: folder)
    } catch {
      throw .safetensors(error)
    }
    if FileStatus.isThere(folder.appendingPathComponent(Self.weights)) {
      return (checkpoint.files.map { (Self.weights, $0) }, false)
    }
    let prefix = folder.path.utf8.count + 1
    let files = checkpoint.files.map { file in
      (String(decoding: file.location.utf8.dropFirst(prefix), as: UTF8.self), file)
    }
    return (files, true)
  }
}

extension NewFolder {
  /// Creates the folders that a relative path leads through.
  func makeFolders(above name: String) throws(MeteoRAError) {
    guard let slash = name.utf8.lastIndex(of: UInt8(ascii: "/")) else { return }
    do throws(FileAccessError) {
      try makeFolder(String(name[..<slash]), mayExist: true)
    } catch {
      throw .file(error)
    }
  }
}
