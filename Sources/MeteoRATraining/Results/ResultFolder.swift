import Foundation
import MeteoRA
import MeteoRASafetensors

/// A folder of results on its way: there whole, and on the disk, or not at all.
struct ResultFolder {
  private let folder: NewFolder

  /// - Throws: ``MeteoRAError/file(_:)``.
  init(_ place: URL) throws(MeteoRAError) {
    do throws(FileAccessError) {
      folder = try NewFolder(creating: place)
    } catch {
      throw .file(error)
    }
  }

  /// Where its content goes.
  var content: URL { folder.temporary }

  func place(_ name: String) -> URL { content.appendingPathComponent(name) }

  func makeFolder(_ name: String) throws(MeteoRAError) {
    do throws(FileAccessError) {
      try folder.makeFolder(name)
    } catch {
      throw .file(error)
    }
  }

  func write(_ bytes: [UInt8], to name: String) throws(MeteoRAError) {
    do throws(FileAccessError) {
      try ReplacementFile.write(bytes, to: place(name))
    } catch {
      throw .file(error)
    }
  }

  func copy(_ source: URL, to name: String) throws(MeteoRAError) {
    do throws(FileAccessError) {
      _ = try FileCopy.copy(source, to: place(name), shouldStop: { false })
    } catch {
      throw .file(error)
    }
  }

  /// Gives the folder its name.
  func commit() throws(MeteoRAError) {
    do throws(FileAccessError) {
      try folder.commit(isDurable: true)
    } catch {
      throw .file(error)
    }
  }
}
