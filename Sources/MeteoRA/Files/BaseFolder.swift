import Foundation
import MeteoRASafetensors

/// The files of a plain Hugging Face folder that make a model; all names are relative to it.
package struct BaseFolder {
  package let folder: URL

  package static let configuration = "config.json"
  package static let weights = "model.safetensors"
  static let index = "model.safetensors.index.json"

  /// Files that are taken if they are there.
  static let optionalFiles = [
    "generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
  ]

  package init(folder: URL) {
    self.folder = folder
  }

  /// What is there beside configuration and weights.
  package var companions: [String] {
    Self.optionalFiles.filter { FileStatus.isThere(folder.appendingPathComponent($0)) }
  }

  /// The names of the files of weights; none where there are none, as of a model to be trained.
  ///
  /// - Throws: ``MeteoRAError/safetensors(_:)`` if there are some that cannot be read.
  package func weightFileNames() throws(MeteoRAError) -> [String] {
    do throws(MeteoRAError) {
      return try weightFiles().files.map(\.name)
    } catch .safetensors(.noWeights) {
      return []
    }
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

extension BaseFolder {
  /// A `config.json` that asks for a type of weights, in the field that loaders take it from.
  ///
  /// - Parameter elementType: As PyTorch calls it.
  /// - Returns: The changed file, or `nil` if it asks for that type already.
  package static func configuration(
    _ file: URL, elementType: String
  ) throws(JSONError) -> [UInt8]? {
    let type = JSONOutput.string(elementType)
    return try JSONDocument.edited(file) { root in
      let fields = ["torch_dtype", "dtype"].compactMap { root[$0] }
      // Without the field, loaders take the type of the first tensor, which may be a narrow one.
      guard let field = fields.first(where: { !$0.equals(elementType) }) else {
        return fields.isEmpty ? root.documentAdding("torch_dtype", type) : nil
      }
      return field.documentReplacing(by: type)
    }
  }
}

extension JSONDocument {
  /// The content of a file with some values changed.
  ///
  /// - Parameter change: Given the document, returns its bytes with one change, or `nil` when there
  ///   is nothing left to change.
  /// - Returns: `nil` if nothing was changed.
  static func edited(
    _ file: URL, _ change: (JSONValue) -> [UInt8]?
  ) throws(JSONError) -> [UInt8]? {
    var document = try JSONDocument(contentsOf: file)
    var bytes: [UInt8]?
    while let changed = change(document.root) {
      document = try JSONDocument(bytes: changed, source: file.path)
      bytes = changed
    }
    return bytes
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
