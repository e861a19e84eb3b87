import Foundation
import MeteoRASafetensors

/// The files of a pack; each safetensors file is opened once.
final class GoldenFiles: @unchecked Sendable {
  let folder: URL
  private let lock = NSLock()
  /// Guarded by `lock`.
  private var open: [String: SafetensorsFile] = [:]
  /// By path; guarded by `lock`.
  private var digests: [String: String] = [:]

  init(folder: URL) {
    self.folder = folder
  }

  /// The address of a path inside the pack.
  func url(_ path: String) -> URL {
    folder.appendingPathComponent(path)
  }

  /// The tensor that a case refers to.
  ///
  /// - Throws: ``VerificationError`` if the file cannot be read, or does not hold the tensor with
  ///   the type and shape that the manifest gives.
  func tensor(
    _ reference: GoldenReference, of golden: String
  ) throws(VerificationError) -> SafetensorsTensor {
    guard let declared = reference.tensor else {
      throw .notATensor(case: golden, name: reference.name)
    }
    let tensor: SafetensorsTensor
    do throws(SafetensorsError) {
      tensor = try file(reference.file).tensor(named: declared.name)
    } catch {
      throw .safetensors(case: golden, error)
    }
    guard tensor.dtype == declared.dtype, tensor.shape == declared.shape else {
      throw .declarationMismatch(
        case: golden, file: tensor.file, tensor: tensor.name,
        expected: "\(declared.dtype) \(declared.shape)",
        actual: "\(tensor.dtype) \(tensor.shape)")
    }
    return tensor
  }

  /// All tensors of the file that a case refers to as a whole, by name.
  ///
  /// - Throws: ``VerificationError`` if the file cannot be read.
  func tensors(
    _ reference: GoldenReference, of golden: String
  ) throws(VerificationError) -> [String: GoldenTensor] {
    do throws(SafetensorsError) {
      var tensors: [String: GoldenTensor] = [:]
      for tensor in try file(reference.file).tensors {
        tensors[tensor.name] = try GoldenTensor(tensor)
      }
      return tensors
    } catch {
      throw .safetensors(case: golden, error)
    }
  }

  /// Throws unless the files of a case have the digests that the manifest gives: a damaged pack
  /// must not pass for a wrong result. Each file is read once.
  func requireIntact(_ golden: GoldenCase) throws(VerificationError) {
    for (file, expected) in golden.digests {
      let actual: String
      do throws(FileAccessError) {
        actual = try digest(of: file)
      } catch {
        throw .unreadable(case: golden.id, error)
      }
      guard actual.utf8.elementsEqual(expected.utf8) else {
        throw .damaged(
          case: golden.id, file: url(file).path, expected: expected, actual: actual)
      }
    }
  }

  private func digest(of path: String) throws(FileAccessError) -> String {
    lock.lock()
    defer { lock.unlock() }
    if let digest = digests[path] { return digest }
    let digest = try SHA256.hexDigest(ofFile: url(path))
    digests[path] = digest
    return digest
  }

  private func file(_ path: String) throws(SafetensorsError) -> SafetensorsFile {
    lock.lock()
    defer { lock.unlock() }
    if let file = open[path] { return file }
    let file = try SafetensorsFile(contentsOf: url(path))
    open[path] = file
    return file
  }
}
