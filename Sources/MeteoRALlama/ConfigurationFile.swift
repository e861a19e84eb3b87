import Foundation
import MeteoRASafetensors

/// A small JSON file of a model folder.
package struct ConfigurationFile {
  package let root: JSONValue

  /// More than any configuration: a larger file is something else.
  private static let largest = 64 << 20

  /// - Throws: ``LlamaError/unreadable(path:reason:)`` or ``LlamaError/json(_:)``.
  package init(contentsOf url: URL) throws(LlamaError) {
    guard url.isFileURL else {
      // Its path could be one of this machine too.
      throw .unreadable(
        path: url.absoluteString, reason: "it is not the address of a file on this machine")
    }
    let bytes: [UInt8]
    do {
      // Follows a link, which the attributes below would describe instead.
      guard FileManager.default.fileExists(atPath: url.path) else {
        throw LlamaError.unreadable(path: url.path, reason: "no such file")
      }
      let values = try FileManager.default.attributesOfItem(
        atPath: url.resolvingSymlinksInPath().path)
      guard values[.type] as? FileAttributeType == .typeRegular else {
        throw LlamaError.unreadable(path: url.path, reason: "it is not a file")
      }
      guard let size = values[.size] as? Int, size <= Self.largest else {
        throw LlamaError.unreadable(
          path: url.path, reason: "it is larger than \(Self.largest >> 20) MiB")
      }
      bytes = [UInt8](try Data(contentsOf: url))
    } catch let error as LlamaError {
      throw error
    } catch {
      throw .unreadable(path: url.path, reason: FileProblem.reason(error))
    }
    do throws(JSONError) {
      root = try JSONDocument(bytes: bytes, source: url.path).root
    } catch {
      throw .json(error)
    }
  }
}

/// What Foundation's file errors say, in a few words.
package enum FileProblem {
  package static func reason(_ error: any Error) -> String {
    guard let error = error as? CocoaError else { return "\(error)" }
    return switch error.code {
    case .fileReadNoSuchFile, .fileNoSuchFile: "no such file"
    case .fileReadNoPermission, .fileWriteNoPermission: "permission denied"
    case .fileWriteOutOfSpace: "no space left on the device"
    default: "error \(error.code.rawValue)"
    }
  }
}
