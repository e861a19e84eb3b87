import Foundation
import MeteoRASafetensors

extension ModelFiles {
  /// Loads the model, and its tokenizer if there is one, to be sure that the files work.
  @discardableResult
  package func loadCompletely(
    _ shouldStop: @escaping () -> Bool = { false }
  ) throws(MeteoRAError) -> MeteoRAModel {
    let model = try MeteoRAModel(files: self, shouldStop: shouldStop)
    if model.hasTokenizer { _ = try model.loadTokenizer() }
    return model
  }

  /// The files that a model is read from; some of them need not be there.
  ///
  /// - Parameter folder: What these files were found by: a bundle, or the base itself.
  package func filesToRead(in folder: URL) -> [URL] {
    var files = [folder.appendingPathComponent(BundleManifest.fileName)]
    let names =
      [BaseFolder.configuration, BaseFolder.weights, BaseFolder.index]
      + BaseFolder.optionalFiles
    files += names.map { base.appendingPathComponent($0) }
    // A checkpoint that cannot be read has no shards that anybody reads either.
    if let checkpoint = try? SafetensorsCheckpoint(folder: base) {
      files += checkpoint.files.map { URL(fileURLWithPath: $0.location) }
    }
    for adapter in adapters {
      for name in [PEFTAdapter.configurationFile, PEFTAdapter.weightsFile] {
        files.append(adapter.folder.appendingPathComponent(name))
      }
    }
    switch gates {
    case .absent: break
    case .file(let url), .checkpoint(let url): files.append(url)
    }
    return files
  }
}
