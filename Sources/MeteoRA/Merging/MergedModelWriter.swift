import Foundation
import MeteoRASafetensors

/// Writes a base model with one adapter merged into its weights: a plain Hugging Face folder, which
/// needs neither PEFT nor this package.
///
///     W' = W + s · dot(B, A)      rounded once after the product with s and once after the sum
///
/// Every tensor that the adapter leaves alone keeps its type and bytes; files keep their names,
/// shards too. The folder is filled under a temporary name, loaded to be sure that it works, and
/// then renamed: it is there complete or not at all.
public struct MergedModelWriter {
  /// The type that merged matrices are written in.
  public enum ElementType: String, Sendable, CaseIterable {
    /// Binary32, as they are computed. Where the base has another type, `config.json` then asks for
    /// `float32`.
    case float32 = "f32"
    /// That of the base's matrix, rounded once more, to nearest, ties to even.
    case base
  }

  /// The base, and the adapter among others; there are no gates.
  public var files: ModelFiles
  /// The name of the adapter to be merged.
  public var adapter: String
  /// The type that merged matrices are written in.
  public var elementType: ElementType

  /// - Parameters:
  ///   - files: A base and adapters; only the one that is merged is read.
  ///   - adapter: Its name.
  ///   - elementType: The type that merged matrices are written in.
  public init(files: ModelFiles, adapter: String, elementType: ElementType = .float32) {
    self.files = files
    self.adapter = adapter
    self.elementType = elementType
  }

  /// Writes the folder.
  ///
  /// - Parameters:
  ///   - folder: Must not exist; its parent must.
  ///   - shouldStop: Asked between tensors, between files and every few megabytes; `true` ends the
  ///     work without a trace.
  /// - Throws: ``MeteoRAError/gatedMerge(model:)`` if there are gates,
  ///   ``MeteoRAError/unknownAdapter(name:known:)``,
  ///   ``MeteoRAError/mergeOverflow(file:tensor:element:value:type:)``; ``MeteoRAError`` if a part
  ///   cannot be read or does not fit the other, the folder cannot be made, or `shouldStop` said so
  ///   (``MeteoRAError/cancelled(path:)``).
  public func write(
    to folder: URL, shouldStop: @escaping () -> Bool = { false }
  ) throws(MeteoRAError) {
    guard files.gates == .absent else { throw .gatedMerge(model: files.base.path) }
    guard let chosen = files.adapters.first(where: { $0.name.utf8.elementsEqual(adapter.utf8) })
    else { throw .unknownAdapter(name: adapter, known: files.adapters.map(\.name)) }
    var files = files
    files.adapters = [chosen]
    do throws(FileAccessError) {
      try NewFolder.requireNothing(at: folder)
    } catch {
      throw .file(error)
    }
    do throws(MeteoRAError) {
      try fill(folder, from: files, shouldStop)
    } catch .llama(.cancelled) {
      throw .cancelled(path: folder.path)
    } catch {
      throw error
    }
  }

  private func fill(
    _ folder: URL, from files: ModelFiles, _ shouldStop: @escaping () -> Bool
  ) throws(MeteoRAError) {
    // Parts that do not fit are named by their own paths. Only the adapter is kept.
    let loaded = try files.loadCompletely(shouldStop).adapter(named: adapter)
    let target: NewFolder
    do throws(FileAccessError) {
      target = try NewFolder(creating: folder)
    } catch {
      throw .file(error)
    }
    var merging = MergingFiles(
      base: BaseFolder(folder: files.base), adapter: loaded, target: target, place: folder,
      elementType: elementType, shouldStop: shouldStop)
    try merging.write()
    try ModelFiles(base: target.temporary).loadCompletely(shouldStop)
    if shouldStop() { throw .cancelled(path: folder.path) }
    do throws(FileAccessError) {
      try target.commit()
    } catch {
      throw .file(error)
    }
  }
}
