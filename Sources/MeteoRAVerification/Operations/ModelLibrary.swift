import Foundation
import MeteoRA
import MeteoRAKernels
import MeteoRASafetensors

/// The models of a pack; each is loaded once.
final class ModelLibrary: @unchecked Sendable {
  private let folder: URL
  private let lock = NSLock()
  /// Guarded by `lock`.
  private var loaded: [MeteoRAModel] = []

  /// - Parameter folder: The pack's folder.
  init(folder: URL) {
    self.folder = folder
  }

  /// The model that the parameters of a case name.
  func model(for golden: GoldenCase) throws(VerificationError) -> MeteoRAModel {
    let files = try self.files(for: golden)
    lock.lock()
    defer { lock.unlock() }
    if let model = loaded.first(where: { $0.files == files }) { return model }
    do throws(MeteoRAError) {
      let model = try MeteoRAModel(files: files, parallelism: .serial)
      loaded.append(model)
      return model
    } catch {
      throw .refused(case: golden.id, reason: error.description)
    }
  }

  func files(for golden: GoldenCase) throws(VerificationError) -> ModelFiles {
    do {
      return try files(readingFor: golden)
    } catch let error as JSONError {
      throw .json(case: golden.id, error)
    } catch {
      throw .refused(case: golden.id, reason: "\(error)")
    }
  }

  /// Where the parts of a case's model are.
  ///
  /// `model` is a bundle or a plain folder; beside a plain one `adapters` is a folder of PEFT
  /// folders, or a list of `{"name","path"}`, `gates` or `checkpoint` a file. All paths are those
  /// of the pack. `top_k` and `temperature` count more than a bundle's own.
  ///
  /// - Throws: ``JSONError`` for a parameter, ``MeteoRAError`` for a folder that cannot be taken.
  func files(readingFor golden: GoldenCase) throws -> ModelFiles {
    let parameters = golden.parameters
    var files = try ModelFiles(folder: place(parameters.required("model")))
    if let adapters = try parameters.optional("adapters") {
      files.adapters = try self.adapters(adapters)
    }
    if let gates = try parameters.optional("gates") {
      files.gates = .file(try place(gates))
    }
    if let checkpoint = try parameters.optional("checkpoint") {
      files.gates = .checkpoint(try place(checkpoint))
    }
    if files.gates == .absent, let name = try parameters.optional("adapter") {
      files.adapters.removeAll { !name.equals($0.name) }
    }
    if let topK = try parameters.optional("top_k") {
      files.router.topK = try topK.integerValue()
    }
    if let temperature = try parameters.optional("temperature") {
      files.router.temperature = Float(try temperature.doubleValue())
    }
    return files
  }

  private func adapters(_ value: JSONValue) throws -> [ModelFiles.Adapter] {
    guard let elements = value.elements else {
      return try ModelFiles.adapters(in: place(value))
    }
    return try elements.map { element in
      ModelFiles.Adapter(
        name: try element.required("name").stringValue(),
        folder: try place(element.required("path")))
    }
  }

  /// A path of the pack.
  private func place(_ value: JSONValue) throws -> URL {
    folder.appendingPathComponent(try value.packPathValue())
  }
}
