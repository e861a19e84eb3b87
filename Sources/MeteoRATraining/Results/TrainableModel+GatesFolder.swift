import Foundation
import MeteoRA
import MeteoRASafetensors

extension TrainableModel {
  /// Writes what training of gates came to as a folder:
  ///
  /// ```
  /// gates.safetensors         see writeGates(to:as:)
  /// adapters/<name>/          if they were trained; see writeAdapter(_:to:configuration:as:replaces:)
  /// checkpoint.safetensors    if it is asked for; see writePublishedCheckpoint(to:base:as:)
  /// ```
  ///
  /// - Parameters:
  ///   - folder: Its parent must be there.
  ///   - adapters: Those that were trained, with their `adapter_config.json`, all of the model or
  ///     none.
  ///   - publishedBase: The folder of the base, for the checkpoint; `nil` for none.
  ///   - replaces: Whether a folder may be there; it is removed when this one is complete.
  /// - Throws: ``MeteoRAError`` if a weight is not finite, or the folder cannot be made.
  package func writeGatesFolder(
    to folder: URL, adapters: [ModelFiles.Adapter], publishedBase: URL?,
    as elementType: TrainedElementType, replaces: Bool = false
  ) throws(MeteoRAError) {
    let target = try ResultFolder(folder, replaces: replaces)
    try writeGates(to: target.place("gates.safetensors"), as: elementType)
    if !adapters.isEmpty { try target.makeFolder("adapters") }
    for (index, adapter) in adapters.enumerated() {
      try writeAdapter(
        index, to: target.place("adapters").appendingPathComponent(adapter.name, isDirectory: true),
        configuration: .file(
          adapter.folder.appendingPathComponent(PEFTAdapter.configurationFile)), as: elementType)
    }
    if let publishedBase {
      try writePublishedCheckpoint(
        to: target.place("checkpoint.safetensors"), base: publishedBase, as: elementType)
    }
    try target.commit()
  }
}
