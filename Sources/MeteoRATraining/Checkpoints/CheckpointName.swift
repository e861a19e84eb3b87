import Foundation
import MeteoRASafetensors

/// The name of a checkpoint's folder: `checkpoint-` and the step in at least six digits.
struct CheckpointName {
  let step: Int

  private static let prefix = "checkpoint-"
  private static let fewestDigits = 6

  init(step: Int) {
    self.step = step
  }

  /// `nil` if the text is no such name.
  init?(_ text: String) {
    guard text.utf8.starts(with: Self.prefix.utf8),
      let step = Int(String(decoding: text.utf8.dropFirst(Self.prefix.utf8.count), as: UTF8.self)),
      step >= 0
    else { return nil }
    self.step = step
    // Each step has one name.
    guard self.text.utf8.elementsEqual(text.utf8) else { return nil }
  }

  var text: String {
    let digits = "\(step)"
    let zeros = String(repeating: "0", count: max(0, Self.fewestDigits - digits.utf8.count))
    return Self.prefix + zeros + digits
  }

  /// Those in a folder, by ascending step.
  static func all(in folder: URL) throws(CheckpointError) -> [CheckpointName] {
    do throws(FileAccessError) {
      return try FolderListing.names(in: folder).compactMap { CheckpointName($0) }
        .sorted { $0.step < $1.step }
    } catch {
      throw .file(error)
    }
  }
}
