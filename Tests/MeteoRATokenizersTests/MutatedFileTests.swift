import MeteoRATokenizers
import Testing

@Suite("A tokenizer.json with bytes changed at random")
struct MutatedFileTests {
  /// A file with every part that can be read.
  static let original: [UInt8] = {
    var file = SmallTokenizerFile()
    file.set("model.vocab", #"{"a":0,"b":1,"c":2,"ab":3,"Ġ":4,"<0x78>":5,"<u>":6,"Ġab":7,"é":8}"#)
    file.set("model.merges", #"["a b",["Ġ","ab"]]"#)
    file.set("model.unk_token", #""<u>""#)
    file.set("model.byte_fallback", "true")
    file.set("model.ignore_merges", "true")
    file.set(
      "added_tokens",
      "["
        + [
          SmallTokenizerFile.added(6, "<u>", "special"),
          SmallTokenizerFile.added(9, "<x>", "special", "lstrip", "rstrip"),
          SmallTokenizerFile.added(10, "ca", "normalized", "single_word"),
        ].joined(separator: ",") + "]")
    file.set(
      "pre_tokenizer",
      #"{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|"#
        + #"'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"#
        + #"\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false},"#
        + #"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":false}]}"#)
    file.set(
      "post_processor",
      #"{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<x>","type_id":0}},"#
        + #"{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":"#
        + #"{"<x>":{"id":"<x>","ids":[9],"tokens":["<x>"]}}}"#)
    file.set(
      "decoder",
      #"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}"#)
    return Array(file.json.utf8)
  }()

  /// A file with the parts that the first has not.
  static let other: [UInt8] = {
    var file = SmallTokenizerFile()
    file.set("model.vocab", #"{"a":0,"b":1,"c":2,"ab":3,"▁":4,"<0x78>":5,"<u>":6,"▁ab":7,"é":8}"#)
    file.set("model.merges", #"["a b",["▁","ab"]]"#)
    file.set("model.unk_token", #""<u>""#)
    file.set("added_tokens", "[" + SmallTokenizerFile.added(9, "ca", "normalized") + "]")
    file.set(
      "normalizer",
      #"{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Strip","strip_left":true,"#
        + #""strip_right":true},{"type":"Replace","pattern":{"Regex":"(?:[b-x]+?|\\s{2,3})(?!a)"},"#
        + #""content":"x"},{"type":"Prepend","prepend":"a "},{"type":"StripAccents"}]}"#)
    file.set(
      "pre_tokenizer",
      #"{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"String":"ab"},"#
        + #""behavior":"MergedWithNext","invert":true},{"type":"Punctuation","behavior":"Removed"},"#
        + #"{"type":"Digits","individual_digits":true},{"type":"Metaspace","replacement":"▁","#
        + #""prepend_scheme":"always","split":true}]}"#)
    file.set(
      "decoder",
      #"{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},"#
        + #"{"type":"ByteFallback"},{"type":"Strip","content":"a","start":1,"stop":2},"#
        + #"{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}"#)
    return Array(file.json.utf8)
  }()

  /// What an attacker or a broken disk would put into it.
  private static let fragments = [
    "1099511627776", "-1", "4294967294", "4294967295", "1e99", "0", "7", "null", "true", "{}", "[]",
    #""""#, #""a b""#, #""\u0000""#, #""\ud800""#, #"["a","b"]"#, #"{"a":0}"#, "[[[[[[[[",
    "{\"a\":",
    "\u{FEFF}", "Ġ", ",", ":", "\"", "}", "]", "\\", "<x>", "ab",
  ]

  static func mutated(seed: UInt64) -> [UInt8] {
    var random = SeededRandom(seed: seed)
    var bytes = seed % 2 == 0 ? other : original
    for _ in 0..<Int.random(in: 1...2, using: &random) {
      let start = Int.random(in: 0..<bytes.count, using: &random)
      let end = min(bytes.count, start + Int.random(in: 1...12, using: &random))
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes[start] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: bytes.removeSubrange(start..<end)
      case 3: bytes.insert(contentsOf: bytes[start..<end], at: start)
      case 4:
        bytes.insert(
          contentsOf: fragments.randomElement(using: &random)?.utf8 ?? "".utf8, at: start)
      default:
        let number = bytes[start...].firstIndex { $0 >= 0x30 && $0 <= 0x39 } ?? start
        let other = fragments[Int.random(in: 0..<8, using: &random)]
        bytes.replaceSubrange(number...number, with: other.utf8)
      }
      if bytes.isEmpty { bytes = [0] }
    }
    return bytes
  }

  @Test("is refused, or works")
  func isRefusedOrWorks() throws {
    let texts = ["", "ab cab's\u{301} <x>  é字 ca\r\n\r\n 123456 x", "<u><x><x> caca ca abababab"]
    #expect(throws: Never.self) { try Tokenizer(json: Self.original) }
    #expect(throws: Never.self) { try Tokenizer(json: Self.other) }
    var loaded = 0
    var refused = 0
    for seed in 1...8000 as ClosedRange<UInt64> {
      let tokenizer: Tokenizer
      do throws(TokenizerError) {
        tokenizer = try Tokenizer(json: Self.mutated(seed: seed))
      } catch {
        refused += 1
        #expect(error.description.hasPrefix("tokenizer.json:"), "seed \(seed)")
        continue
      }
      loaded += 1
      for text in texts {
        let ids = tokenizer.encode(text)
        // Throws if the tokenizer gives an id that it does not know itself.
        let decoded = try tokenizer.decode(checking: ids, skipSpecialTokens: false)
        var stream = tokenizer.makeStreamDecoder(skipSpecialTokens: false)
        let streamed = ids.map { stream.append($0) }.joined() + stream.finish()
        #expect(streamed.utf8.elementsEqual(decoded.utf8), "seed \(seed)")
        #expect(ids.allSatisfy { $0 < tokenizer.idBound }, "seed \(seed)")
      }
    }
    #expect(loaded > 300)
    #expect(refused > 2000)
  }
}
