import Foundation
import MeteoRAFixtures
import MeteoRASafetensors
import MeteoRATokenizers
import Testing

/// A tokenizer of the golden pack with the texts and ids that the library gives for it.
struct GoldenTokenizer: CustomTestStringConvertible, Sendable {
  let name: String

  static let all = [
    "tiny-llama3", "llama3-added", "gpt2-prefix", "qwen2", "plain-unknown", "plain-fused",
    "plain-added", "plain-fallback", "llama2", "llama2-normalized", "metaspace-first",
    "metaspace-always", "gemma", "nfkc-lowercase", "nfd-accents", "nfc", "nfkd", "o200k",
    "deepseek", "bloom", "behaviors", "plain-steps", "decoders",
  ].map(GoldenTokenizer.init)

  var testDescription: String { name }

  struct MissingPack: Error {}

  static func folder(_ name: String) throws -> URL {
    guard let pack = GoldenPack.directory else { throw MissingPack() }
    return pack.appendingPathComponent("tokenizers/\(name)", isDirectory: true)
  }

  func load() throws -> Tokenizer { try Tokenizer(contentsOf: Self.folder(name)) }

  /// The file as text, to be changed by a test.
  static func json(_ name: String) throws -> String {
    try String(contentsOf: folder(name).appendingPathComponent("tokenizer.json"), encoding: .utf8)
  }

  /// The lines of one of the case files; `make_tokenizers.py` explains the fields.
  func cases(in file: String) throws -> [GoldenCase] {
    let url = try Self.folder(name).appendingPathComponent(file)
    return try GoldenCase.lines(of: url)
  }
}

/// A text and its ids, or ids and their text.
struct GoldenCase {
  let text: [UInt8]
  /// Whether there is a text at all, or only ids to decode.
  let hasText: Bool
  let ids: [Int]
  let withSpecial: [Int]
  let decoded: [UInt8]
  let skipped: [UInt8]
  let line: Int

  init(_ line: JSONValue, number: Int) throws {
    let text = try line.optional("text")?.utf8Value()
    hasText = text != nil
    self.text = text ?? []
    ids = try Self.integers(line.required("ids"))
    withSpecial = try line.optional("with_special").map(Self.integers) ?? ids
    decoded = try line.optional("decoded")?.utf8Value() ?? self.text
    skipped = try line.optional("skipped")?.utf8Value() ?? decoded
    self.line = number
  }

  private static func integers(_ value: JSONValue) throws -> [Int] {
    try value.elementsValue().map { try $0.integerValue() }
  }

  static func lines(of url: URL) throws -> [GoldenCase] {
    let bytes = try [UInt8](Data(contentsOf: url))
    return try bytes.split(separator: UInt8(ascii: "\n")).enumerated().map { index, line in
      let document = try JSONDocument(bytes: Array(line), source: url.lastPathComponent)
      return try GoldenCase(document.root, number: index + 1)
    }
  }
}

extension GoldenCase {
  /// Expects the texts of the ids, with special tokens and without, at once and in a stream.
  func expectTexts(of tokenizer: Tokenizer) {
    for (skips, text) in [(false, decoded), (true, skipped)] {
      let whole = tokenizer.decode(ids, skipSpecialTokens: skips)
      #expect(Array(whole.utf8) == text, "line \(line)")
      var decoder = tokenizer.makeStreamDecoder(skipSpecialTokens: skips)
      var streamed: [UInt8] = []
      for id in ids { streamed += decoder.append(id).utf8 }
      streamed += decoder.finish().utf8
      #expect(streamed == text, "line \(line)")
    }
  }
}
