import Foundation
import MeteoRAFixtures
import MeteoRATestSupport
import MeteoRATokenizers

/// A tokenizer of a few bytes: `a` 0, `b` 1, `c` 2, `ab` 3, space 4, line feed 5, the two bytes of é
/// 6 and 7, `<s>` 8, `</s>` 9.
struct SmallTokenizer {
  static func load(namesBeginAndEnd: Bool = true) throws -> Tokenizer {
    let folder = try TemporaryFolder()
    let added = [("<s>", 8), ("</s>", 9)].map { content, id in
      #"{"id":\#(id),"content":"\#(content)","single_word":false,"lstrip":false,"#
        + #""rstrip":false,"normalized":false,"special":true}"#
    }
    try folder.write(
      #"""
      {"version":"1.0","truncation":null,"padding":null,"added_tokens":[\#(added.joined(separator: ","))],
       "normalizer":null,"post_processor":null,
       "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,
                        "use_regex":false},
       "decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
       "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,
                "end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,
                "vocab":{"a":0,"b":1,"c":2,"ab":3,"Ġ":4,"Ċ":5,"Ã":6,"©":7,"<s>":8,"</s>":9},
                "merges":["a b"]}}
      """#, to: "tokenizer.json")
    if namesBeginAndEnd {
      try folder.write(
        #"{"bos_token":"<s>","eos_token":"</s>","tokenizer_class":"PreTrainedTokenizerFast"}"#,
        to: "tokenizer_config.json")
    }
    return try Tokenizer(contentsOf: folder.url)
  }
}

/// A tokenizer of the golden pack.
enum GoldenTokenizer {
  struct MissingPack: Error {}

  static func load(_ path: String) throws -> Tokenizer {
    guard let pack = GoldenPack.directory else { throw MissingPack() }
    return try Tokenizer(contentsOf: pack.appendingPathComponent(path, isDirectory: true))
  }
}
