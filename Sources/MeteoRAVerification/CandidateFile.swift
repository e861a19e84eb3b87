import Foundation
import MeteoRASafetensors

/// Results of another implementation: one safetensors file, tensors named `{case}/{output}`.
struct CandidateFile {
  private let file: SafetensorsFile
  /// The tensors of every case, by its id; the output's name is what follows the last `/`.
  private var tensorsByCase: [String: [(output: String, tensor: SafetensorsTensor)]] = [:]

  init(contentsOf url: URL) throws(SafetensorsError) {
    file = try SafetensorsFile(contentsOf: url)
    for tensor in file.tensors {
      let name = Array(tensor.name.utf8)
      guard let slash = name.lastIndex(of: UInt8(ascii: "/")) else { continue }
      let id = String(decoding: name[..<slash], as: UTF8.self)
      let output = String(decoding: name[(slash + 1)...], as: UTF8.self)
      tensorsByCase[id, default: []].append((output, tensor))
    }
  }

  /// The outputs of a case.
  ///
  /// - Throws: ``VerificationError/safetensors(case:_:)`` for a tensor of a type that no output
  ///   has.
  func tensors(of id: String) throws(VerificationError) -> [String: GoldenTensor] {
    var tensors: [String: GoldenTensor] = [:]
    for (output, tensor) in tensorsByCase[id] ?? [] {
      do throws(SafetensorsError) {
        tensors[output] = try GoldenTensor(tensor)
      } catch {
        throw .safetensors(case: id, error)
      }
    }
    return tensors
  }

  /// The tensors that are named after a case, but are none of its results.
  func names(of id: String, besides results: [ResultTensor]) -> [String] {
    let known = Set(results.map(\.output))
    return (tensorsByCase[id] ?? []).filter { !known.contains($0.output) }.map(\.tensor.name)
  }

  /// The tensors that belong to none of the cases.
  func namesOutside(_ ids: [String]) -> [String] {
    let known = Set(ids)
    return file.tensors.map(\.name).filter { name in
      guard let slash = name.utf8.lastIndex(of: UInt8(ascii: "/")) else { return true }
      return !known.contains(String(decoding: name.utf8[..<slash], as: UTF8.self))
    }
  }
}
