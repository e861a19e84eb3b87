import Foundation
import MeteoRA
import MeteoRASafetensors

extension TrainableModel {
  /// Writes what training of gates came to as a folder:
  ///
  /// ```
  /// gates.safetensors         see writeGates(to:as:)
  /// adapters/<name>/          if they were trained; see writeAdapter(_:to:configuration:as:)
  /// checkpoint.safetensors    if it is asked for; see writePublishedCheckpoint(to:base:as:)
  /// ```
  ///
  /// - Parameters:
  ///   - folder: Nothing may be there, but its parent.
  ///   - adapters: Those that were trained, with their `adapter_config.json`, all of the model or
  ///     none.
  ///   - publishedBase: The folder of the base, for the checkpoint; `nil` for none.
  /// - Throws: ``MeteoRAError`` if a weight is not finite, or the folder cannot be made.
  package func writeGatesFolder(
    to folder: URL, adapters: [ModelFiles.Adapter], publishedBase: URL?,
    as elementType: TrainedElementType
  ) throws(MeteoRAError) {
    let target = try ResultFolder(folder)
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
