import Foundation
import MeteoRASafetensors

/// The ids that begin, end and pad a sequence.
///
/// They come from `generation_config.json` and, what that leaves open, from `config.json`. The
/// sampling settings of `generation_config.json` are not used.
public struct SpecialTokens: Sendable, Equatable {
  /// Generation ends with any of these.
  public var endOfSequence: [Int] = []
  /// Begins a sequence.
  public var beginOfSequence: Int?
  /// Fills a batch; never part of a result here.
  public var padding: Int?

  /// Reads the two files of a model folder; `generation_config.json` may be missing.
  ///
  /// - Throws: ``LlamaError``: a file cannot be read or is no JSON, or an id is no integer.
  public init(folder: URL) throws(LlamaError) {
    let generation = folder.appendingPathComponent("generation_config.json")
    if FileStatus.isThere(generation) {
      try take(from: generation)
    }
    try take(from: folder.appendingPathComponent("config.json"))
  }

  private mutating func take(from url: URL) throws(LlamaError) {
    do throws(JSONError) {
      let root = try JSONDocument(contentsOf: url).root
      if endOfSequence.isEmpty, let ids = try root.optional("eos_token_id") {
        endOfSequence = try Self.ids(ids)
      }
      if beginOfSequence == nil, let id = try root.optional("bos_token_id") {
        beginOfSequence = try Self.ids(id).first
      }
      if padding == nil, let id = try root.optional("pad_token_id") {
        // Some Llama 3 configurations say −1 for "none".
        padding = try id.integerValue() < 0 ? nil : id.integerValue()
      }
    } catch {
      throw .json(error)
    }
  }

  /// An id, or a list of them.
  private static func ids(_ value: JSONValue) throws(JSONError) -> [Int] {
    guard let elements = value.elements else { return [try value.integerValue()] }
    var ids: [Int] = []
    for element in elements { ids.append(try element.integerValue()) }
    return ids
  }
}
