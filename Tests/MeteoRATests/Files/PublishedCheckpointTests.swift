import Foundation
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATestSupport
import Testing

@testable import MeteoRA

@Suite("A checkpoint as the published code saves it")
struct PublishedCheckpointTests {
  private static let tokens = [1, 5, 2, 9, 0, 10]

  private func error(
    _ bundle: TinyBundle = TinyBundle(),
    _ change: (inout [String: TinyModel.Tensor]) -> Void
  ) throws -> MeteoRAError {
    var checkpoint = bundle.checkpoint()
    change(&checkpoint)
    return try #require(throws: MeteoRAError.self) { try bundle.load(checkpoint: checkpoint) }
  }

  private static func key(_ module: LinearModule, _ layer: Int, _ part: String) -> String {
    TinyBundle.key(module, layer, part)
  }

  @Test("it gives the bits of the same parts in a bundle, unequal ranks and all")
  func equalsBundle() throws {
    let bundle = TinyBundle()
    let published = try bundle.load(checkpoint: bundle.checkpoint())
    let model = try bundle.load()
    for mode in [
      MeteoRAModel.Mode.routed, .noAdapters, .singleAdapter("first"), .singleAdapter("second"),
      .singleAdapter("third"),
    ] {
      let expected = try model.logits(of: Self.tokens, mode: mode)
      #expect(firstDifference(try published.logits(of: Self.tokens, mode: mode), expected) == nil)
    }
  }

  @Test("it may leave the base's weights out, and hold old rotary frequencies")
  func withoutBase() throws {
    let bundle = TinyBundle()
    let expected = try bundle.load().logits(of: Self.tokens)
    var checkpoint = bundle.checkpoint().filter { !$0.key.hasSuffix(".base_layer.weight") }
    checkpoint["base_model.model.model.layers.0.self_attn.rotary_emb.inv_freq"] = .init(.f32, [1])
    let model = try bundle.load(checkpoint: checkpoint)
    #expect(firstDifference(try model.logits(of: Self.tokens), expected) == nil)
  }

  static let parts = TinyBundle().checkpoint().keys
    .filter { $0.contains("lora_") || $0.contains("moe_gate") }.sorted()

  @Test("it is refused without an A, a B or a gate, which is named", arguments: parts)
  func missing(name: String) throws {
    #expect(try error { $0[name] = nil }.label == "missing \(name)")
  }

  @Test("it is refused if its ranks do not add up to those of the adapters")
  func ranks() throws {
    let name = Self.key(.query, 0, "lora_A")
    for rank in [4, 6, 15, 0] {
      #expect(try error { $0[name] = .init(.f32, [rank, 8]) }.label == "shape \(name)")
    }
    let b = Self.key(.query, 0, "lora_B")
    for shape in [[8, 4], [5, 8], [8, 5, 1], [40]] {
      #expect(try error { $0[b] = .init(.f32, shape) }.label == "shape \(b)")
    }
    var bundle = TinyBundle()
    let checkpoint = bundle.checkpoint()
    bundle.adapters[0].fields["r"] = "1"
    let error = try #require(throws: MeteoRAError.self) { try bundle.load(checkpoint: checkpoint) }
    #expect(error.label == "shape \(name)")
  }

  @Test("it is refused with a number type that weights cannot have")
  func dtype() throws {
    for (part, shape) in [("lora_A", [5, 8]), ("lora_B", [8, 5]), ("moe_gate", [3, 8])] {
      let name = Self.key(.query, 1, part)
      #expect(try error { $0[name] = .init(.f64, shape) }.label == "type F64 \(name)")
    }
  }

  @Test(
    "it is refused if a weight of the base differs from the folder's", arguments: [true, false])
  func base(isType: Bool) throws {
    for name in [
      "base_model.model.model.layers.1.self_attn.q_proj.base_layer.weight",
      "base_model.model.model.layers.1.self_attn.k_proj.weight",
      "base_model.model.model.embed_tokens.weight", "base_model.model.model.norm.weight",
      "base_model.model.lm_head.weight",
    ] {
      let error = try error { tensors in
        if isType {
          // The same bytes, as integers.
          tensors[name]?.dtype = .i32
        } else {
          tensors[name]?.bytes[7] ^= 1
        }
      }
      #expect(error.label == "differs \(name)")
    }
  }

  @Test("it is refused with any other tensor")
  func extra() throws {
    for name in [
      Self.key(.key, 0, "lora_A"), Self.key(.query, 2, "lora_A"), "x", "model.norm.weight",
      "base_model.model.model.layers.1.self_attn.k_proj.base_layer.bias",
    ] {
      #expect(try error { $0[name] = .init(.f32, [8]) }.label == "unexpected \(name)")
    }
  }

  @Test("that of a tied model may hold the head, if it is the embedding")
  func tied() throws {
    var bundle = TinyBundle()
    bundle.base.fields["tie_word_embeddings"] = "true"
    bundle.base.tensors["lm_head.weight"] = nil
    let head = "base_model.model.lm_head.weight"
    let embedding = try #require(bundle.base.tensors["model.embed_tokens.weight"])
    var checkpoint = bundle.checkpoint()
    let expected = try bundle.load().logits(of: Self.tokens)
    for own in [nil, embedding] {
      checkpoint[head] = own
      let model = try bundle.load(checkpoint: checkpoint)
      #expect(firstDifference(try model.logits(of: Self.tokens), expected) == nil)
    }
    var changed = embedding
    changed.bytes[9] ^= 1
    #expect(try error(bundle) { $0[head] = changed }.label == "differs \(head)")
    var other = embedding
    other.dtype = .i32
    #expect(try error(bundle) { $0[head] = other }.label == "differs \(head)")
    other = embedding
    other.shape = [8, 11]
    #expect(try error(bundle) { $0[head] = other }.label == "differs \(head)")
  }

  @Test("it is refused without a folder for each adapter")
  func adapters() throws {
    var bundle = TinyBundle()
    let checkpoint = bundle.checkpoint()
    bundle.adapters.removeLast()
    #expect(throws: MeteoRAError.self) { try bundle.load(checkpoint: checkpoint) }
  }
}
