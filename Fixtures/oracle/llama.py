"""A Llama from a Hugging Face folder, forward pass in the arithmetic contract, every step traced.

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- config.json: num_key_value_heads absent = num_attention_heads; head_dim absent or null =
  hidden_size / heads; rope_theta absent = 10000; tie_word_embeddings absent = false;
  `rope_parameters` (5.x) wins over `rope_theta` / `rope_scaling` (4.x).
- Tensors `….rotary_emb.inv_freq` of old checkpoints are ignored.
- Traced: q_rope [T, heads, d], k_rope [T, kv_heads, d]; `attention` [T, heads * d] is the input
  of o_proj; `input_norm` and `post_attention_norm` are the outputs of the two norms.
"""

import json
from pathlib import Path

import numpy as np

import attention
import contract
import rope
import tensors

F32 = np.float32
BLOCKS = {
    "q_proj": "self_attn", "k_proj": "self_attn", "v_proj": "self_attn", "o_proj": "self_attn",
    "gate_proj": "mlp", "up_proj": "mlp", "down_proj": "mlp",
}  # fmt: skip
MODULES = list(BLOCKS)


class Config:
    def __init__(self, values):
        self.layers = values["num_hidden_layers"]
        self.heads = values["num_attention_heads"]
        self.kv_heads = values.get("num_key_value_heads") or self.heads
        self.head_dim = values.get("head_dim") or values["hidden_size"] // self.heads
        self.eps = values["rms_norm_eps"]
        self.tied = values.get("tie_word_embeddings", False)
        self.max_positions = values["max_position_embeddings"]
        parameters = values.get("rope_parameters")
        if parameters is not None:
            self.theta, self.scaling = parameters["rope_theta"], parameters
        else:
            self.theta = values.get("rope_theta", 10000.0)
            self.scaling = values.get("rope_scaling")


def read_weights(folder):
    """name -> binary32 array, from model.safetensors or from the shards of its index."""
    index = Path(folder) / "model.safetensors.index.json"
    files = ["model.safetensors"]
    if index.exists():
        files = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    stored = {}
    for file in files:
        stored |= tensors.read(Path(folder) / file)
    return {name: tensor.f32 for name, tensor in stored.items()}


class PlainLinears:
    """The layers as they are: no adapter."""

    def apply(self, layer, module, x, base, record):
        return base


class Llama:
    def __init__(self, folder, linears=None):
        self.config = Config(json.loads((Path(folder) / "config.json").read_text()))
        self.weights = read_weights(folder)
        self.linears = linears or PlainLinears()
        self.inv_freq = rope.frequencies(
            self.config.head_dim, self.config.theta, self.config.scaling)

    def forward(self, ids, cache=None, record=lambda name, value: None, last_only=False):
        """Logits [T, V] of the tokens `ids`, which follow those whose keys are in `cache`."""
        cache = {} if cache is None else cache
        first = len(cache[0][0]) if cache else 0
        positions = first + np.arange(len(ids))
        cos, sin = rope.tables(positions, self.inv_freq)
        x = self.weights["model.embed_tokens.weight"][np.asarray(ids)]
        record("embeddings", x)
        for layer in range(self.config.layers):
            say = lambda name, value, layer=layer: record(f"layers.{layer}.{name}", value)
            x = self._block(layer, x, cos, sin, cache, first, say)
            say("hidden", x)
        x = self._norm("model.norm", x)
        record("final_norm", x)
        head = "model.embed_tokens.weight" if self.config.tied else "lm_head.weight"
        logits = contract.products(x[-1:] if last_only else x, self.weights[head])
        record("logits", logits)
        return logits

    def _block(self, layer, x, cos, sin, cache, first, record):
        heads = lambda y, count: y.reshape(len(y), count, self.config.head_dim)
        normed = self._norm(f"model.layers.{layer}.input_layernorm", x)
        record("input_norm", normed)
        q, k, v = (self._linear(layer, m, normed, record) for m in ("q_proj", "k_proj", "v_proj"))
        q = rope.rotate(heads(q, self.config.heads), cos, sin)
        k = rope.rotate(heads(k, self.config.kv_heads), cos, sin)
        v = heads(v, self.config.kv_heads)
        record("q_rope", q)
        record("k_rope", k)
        if first > 0:
            k, v = (np.concatenate(pair) for pair in zip(cache[layer], (k, v)))
        cache[layer] = (k, v)
        attended = attention.attend(q, k, v, first).reshape(len(x), -1)
        record("attention", attended)
        x = x + self._linear(layer, "o_proj", attended, record)
        normed = self._norm(f"model.layers.{layer}.post_attention_layernorm", x)
        record("post_attention_norm", normed)
        gate, up = (self._linear(layer, m, normed, record) for m in ("gate_proj", "up_proj"))
        return x + self._linear(layer, "down_proj", contract.silu_mul(gate, up), record)

    def _linear(self, layer, module, x, record):
        name = f"model.layers.{layer}.{BLOCKS[module]}.{module}"
        base = contract.linear(x, self.weights[name + ".weight"], self.weights.get(name + ".bias"))
        say = lambda what, value: record(f"{module}.{what}", value)
        say("input", x)
        say("base", base)
        y = self.linears.apply(layer, module, x, base, say)
        say("output", y)
        return y

    def _norm(self, name, x):
        return contract.rms_norm(x, self.weights[name + ".weight"], self.config.eps)
