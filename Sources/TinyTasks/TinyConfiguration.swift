import MeteoRASafetensors

/// The base as files without weights: a Llama of eight layers and 1.2 million parameters.
enum TinyConfiguration {
  /// The longest sample that there can be has about 250 tokens.
  static let positions = 1024

  /// `config.json`, in the spelling that Transformers 4 and 5 both read.
  static var file: JSONOutput {
    .object([
      ("architectures", .array([.string("LlamaForCausalLM")])),
      ("model_type", .string("llama")),
      ("vocab_size", .integer(TinyVocabulary.count)),
      ("hidden_size", .integer(128)),
      ("intermediate_size", .integer(192)),
      ("num_hidden_layers", .integer(8)),
      ("num_attention_heads", .integer(4)),
      ("num_key_value_heads", .integer(4)),
      ("hidden_act", .string("silu")),
      ("max_position_embeddings", .integer(positions)),
      // A matrix of so few inputs learns faster from more than the usual 0.02.
      ("initializer_range", .number(0.05)),
      ("rms_norm_eps", .number(1e-5)),
      ("rope_theta", .number(10000)),
      ("tie_word_embeddings", .bool(true)),
      ("attention_bias", .bool(false)),
      ("mlp_bias", .bool(false)),
      // Left out, Transformers would take 1.
      ("bos_token_id", .null),
      ("eos_token_id", .integer(TinyVocabulary.endID)),
      ("torch_dtype", .string("float32")),
    ])
  }

  /// `generation_config.json`.
  static var generation: JSONOutput {
    .object([
      ("do_sample", .bool(false)),
      ("eos_token_id", .integer(TinyVocabulary.endID)),
    ])
  }
}
