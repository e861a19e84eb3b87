import MeteoRASafetensors
import MeteoRATokenizers

/// The tokenizer as files: byte-level BPE without a merge, in the format of Hugging Face.
enum TinyTokenizer {
  /// `tokenizer.json`.
  static var file: JSONOutput {
    .object([
      ("version", .string("1.0")),
      ("truncation", .null),
      ("padding", .null),
      ("added_tokens", .array(addedTokens)),
      ("normalizer", .null),
      ("pre_tokenizer", byteLevel),
      ("post_processor", .null),
      ("decoder", byteLevel),
      ("model", model),
    ])
  }

  /// `tokenizer_config.json`.
  static var configuration: JSONOutput {
    .object([
      ("tokenizer_class", .string("PreTrainedTokenizerFast")),
      ("eos_token", .string(TinyVocabulary.end)),
      ("model_max_length", .integer(TinyConfiguration.positions)),
      ("clean_up_tokenization_spaces", .bool(false)),
    ])
  }

  /// The words are no special tokens: decoding leaves special ones out.
  private static var addedTokens: [JSONOutput] {
    TinyVocabulary.added.enumerated().map { index, token in
      .object([
        ("id", .integer(TinyVocabulary.endID + index)),
        ("content", .string(token)),
        ("single_word", .bool(false)),
        ("lstrip", .bool(false)),
        ("rstrip", .bool(false)),
        ("normalized", .bool(false)),
        ("special", .bool(index == 0)),
      ])
    }
  }

  private static var byteLevel: JSONOutput {
    .object([
      ("type", .string("ByteLevel")),
      ("add_prefix_space", .bool(false)),
      ("trim_offsets", .bool(false)),
      ("use_regex", .bool(false)),
    ])
  }

  private static var model: JSONOutput {
    let bytes = ByteLevelAlphabet.scalars.enumerated().map { byte, scalar in
      (key: String(decoding: [scalar], as: UTF16.self), value: JSONOutput.integer(byte))
    }
    return .object([
      ("type", .string("BPE")),
      ("dropout", .null),
      ("unk_token", .null),
      ("continuing_subword_prefix", .null),
      ("end_of_word_suffix", .null),
      ("fuse_unk", .bool(false)),
      ("byte_fallback", .bool(false)),
      ("ignore_merges", .bool(false)),
      ("vocab", .object(bytes)),
      ("merges", .array([])),
    ])
  }
}
