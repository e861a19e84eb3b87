import Foundation
import MeteoRA
import MeteoRASafetensors

/// Paths of the command line, checked for what is there before any long work begins.
enum Paths {
  /// An existing file or folder.
  static func any(_ path: String) throws -> URL {
    URL(fileURLWithPath: path, isDirectory: try isFolder(path))
  }

  /// An existing folder.
  static func folder(_ path: String) throws -> URL {
    guard try isFolder(path) else {
      throw CommandFailure("\(printable(path, limit: 1024)): is a file, expected a folder")
    }
    // Without it every file inside would seem to be missing.
    if access(path, X_OK) != 0 {
      throw FileAccessError.noPermission(path: path, operation: "read")
    }
    return URL(fileURLWithPath: path, isDirectory: true)
  }

  /// An existing folder of a model, or of a bundle.
  ///
  /// - Parameter option: The one that asks for it, for messages.
  static func model(_ path: String, of option: OptionDeclaration) throws -> URL {
    let url = try folder(path)
    guard !ModelFiles.isAdapter(url) else {
      throw CommandFailure(
        "\(printable(path, limit: 1024)): is the folder of an adapter (it holds adapter_config.json "
          + "and no config.json), expected the model that the adapter is for; give that to "
          + "\(option.spelling)")
    }
    return url
  }

  /// An existing file.
  static func file(_ path: String) throws -> URL {
    if try isFolder(path) { throw FileAccessError.isFolder(path: path) }
    return URL(fileURLWithPath: path, isDirectory: false)
  }

  /// A file that an option says is to be made or replaced, where `-` stands for standard output.
  ///
  /// - Returns: `nil` for standard output.
  static func outputOrStandard(_ path: String, of option: OptionDeclaration) throws -> URL? {
    if path == "-" { return nil }
    do {
      return try output(path, of: option)
    } catch let error as FileAccessError {
      switch error {
      case .notRegularFile, .notForFiles:
        throw CommandFailure("\(error); give - to write to standard output")
      default: throw error
      }
    }
  }

  /// A file that an option says is to be made or replaced.
  static func output(_ path: String, of option: OptionDeclaration) throws -> URL {
    guard path != "-" else {
      throw UsageError(
        "option \(option.spelling) is '-', but this is not written to standard output; give the path "
          + "of a file")
    }
    let url = URL(fileURLWithPath: path, isDirectory: false)
    try ReplacementFile.requireReplaceable(url)
    // The address does not hold it any more: a file of the folder's name would appear.
    guard path.utf8.last != UInt8(ascii: "/") else {
      throw UsageError(
        "option \(option.spelling) is '\(printableArgument(path))', which ends in a slash like the "
          + "path of a folder; give the path of a file")
    }
    return url
  }

  /// Throws if a file that is to be replaced is one of those that are read.
  ///
  /// - Parameter standardInput: The file that standard input comes from, if it is read.
  static func requireOther(
    _ output: URL, than inputs: [URL], standardInput: FileIdentity?
  ) throws {
    guard let identity = FileIdentity(of: output) else { return }
    let shown = printable(output.path, limit: 1024)
    if identity == standardInput {
      throw CommandFailure(
        "\(shown): is the file that standard input comes from, which this command reads, expected "
          + "another path for what it writes")
    }
    guard let input = inputs.first(where: { FileIdentity(of: $0) == identity }) else { return }
    throw CommandFailure(
      output.path.utf8.elementsEqual(input.path.utf8)
        ? "\(shown): is read by this command, expected another path for what it writes"
        : "\(shown): is the same file as \(printable(input.path, limit: 1024)), which this command "
          + "reads, expected another path for what it writes")
  }

  /// A folder that is to be made.
  static func newFolder(_ path: String) throws -> URL {
    let url = URL(fileURLWithPath: path, isDirectory: true)
    try NewFolder.requireNothing(at: url)
    try requireParent(of: url)
    return url
  }

  private static func requireParent(of url: URL) throws {
    let parent = url.deletingLastPathComponent()
    guard try isFolder(parent.path) else {
      throw CommandFailure("\(parent.path): is a file, expected a folder")
    }
    if access(parent.path, W_OK | X_OK) != 0 {
      throw FileAccessError.noPermission(path: parent.path, operation: "write")
    }
  }

  private static func isFolder(_ path: String) throws -> Bool {
    if path.isEmpty { throw UsageError("a path is empty, expected a file or folder") }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      if access(path, F_OK) != 0, errno == EACCES {
        throw FileAccessError.noPermission(path: path, operation: "read")
      }
      throw FileAccessError.notFound(path: path)
    }
    return isFolder.boolValue
  }
}
