"""Forward and backward through a whole Llama, with or without adapters, one batch of sequences.

Rows are the tokens of the first sequence, then those of the second, and so on.
(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- The forward pass is `Llama.forward` of every sequence alone: what it traces is put together here.
- Every row takes part in every sum over rows but those of the last norm and the head, also the last
  of a sequence, of which many gradients are +0.
- A module without gates, or that the one adapter lacks, is the base's linear layer: dx is the dot
  product alone.
"""

import numpy as np

import adapters
import rope
import training_attention
import training_layers
import training_lora
from llama import BLOCKS, MODULES

F32 = np.float32


def forward(model, sequences):
    """What `Llama.forward` records, by name, for all rows of the batch."""
    recorded = []
    for ids in sequences:
        recorded.append({})
        model.forward(ids, record=recorded[-1].__setitem__)
    return {name: np.concatenate([each[name] for each in recorded]) for name in recorded[0]}


def routing_modules(model):
    """(layer, module) in the order in which they run; none without gates."""
    gates = getattr(model.linears, "gates", {})
    every = ((layer, module) for layer in range(model.config.layers) for module in MODULES)
    return [at for at in every if at in gates]


class Backward:
    def __init__(self, model, tape, lengths, totals, gate_gradients):
        """`gate_gradients`: (layer, module) -> gradient of the gate loss [T, L]."""
        self.model, self.tape, self.lengths, self.totals = model, tape, lengths, totals
        self.gate_gradients = gate_gradients
        positions = np.concatenate([np.arange(length) for length in lengths])
        self.cos, self.sin = rope.tables(positions, model.inv_freq)

    def run(self, ids, labelled, dlogits):
        """`labelled`: the rows that dlogits [R, V] belong to."""
        config, tape = self.model.config, self.tape
        embedding = "model.embed_tokens.weight"
        head = embedding if config.tied else "lm_head.weight"
        self.totals.outer(head, dlogits, tape["final_norm"][labelled])
        dh = training_layers.linear_input(dlogits, self.model.weights[head])
        last = tape[f"layers.{config.layers - 1}.hidden"]
        d = np.zeros_like(last)
        d[labelled] = self._norm("model.norm", last[labelled], dh)
        for layer in reversed(range(config.layers)):
            d = self._layer(layer, d)
        self.totals.embedding(embedding, ids, d)

    def _layer(self, layer, d):
        config, at = self.model.config, f"model.layers.{layer}"
        tape = lambda name: self.tape[f"layers.{layer}.{name}"]
        x = self.tape["embeddings"] if layer == 0 else self.tape[f"layers.{layer - 1}.hidden"]
        behind_attention = x + tape("o_proj.output")

        dy = self._linear(layer, "down_proj", d)
        dgate, dup = training_layers.silu_mul(
            tape("gate_proj.output"), tape("up_proj.output"), dy)
        dn = self._linear(layer, "gate_proj", dgate) + self._linear(layer, "up_proj", dup)
        d = d + self._norm(f"{at}.post_attention_layernorm", behind_attention, dn)

        heads = lambda y, count: y.reshape(len(y), count, config.head_dim)
        v = heads(tape("v_proj.output"), config.kv_heads)
        dy = heads(self._linear(layer, "o_proj", d), config.heads)
        dq, dk, dv = training_attention.gradients(
            tape("q_rope"), tape("k_rope"), v, dy, self.lengths)
        dq, dk = (training_layers.rotate(each, self.cos, self.sin) for each in (dq, dk))
        dq, dk, dv = (
            self._linear(layer, module, each.reshape(len(each), -1))
            for module, each in (("q_proj", dq), ("k_proj", dk), ("v_proj", dv)))
        return d + self._norm(f"{at}.input_layernorm", x, (dq + dk) + dv)

    def _norm(self, name, x, dy):
        weight = self.model.weights[name + ".weight"]
        dx, n = training_layers.rms_norm(x, weight, self.model.config.eps, dy)
        self.totals.rows(name + ".weight", dy, n)
        return dx

    def _linear(self, layer, module, dy):
        """dx of one linear layer with its adapters; what it has of trained tensors is summed."""
        name = f"model.layers.{layer}.{BLOCKS[module]}.{module}"
        x = self.tape[f"layers.{layer}.{module}.input"]
        self.totals.outer(name + ".weight", dy, x)
        self.totals.rows(name + ".bias", dy, np.ones((len(dy), 1), F32))
        base = training_layers.linear_input(dy, self.model.weights[name + ".weight"])
        linears, at = self.model.linears, (layer, module)
        if at in getattr(linears, "gates", {}):
            return self._routed(at, x, dy, base)
        if hasattr(linears, "adapter") and at in linears.adapter.pairs:
            return self._single(at, x, dy, base)
        return base

    def _routed(self, at, x, dy, base):
        linears = self.model.linears
        selected, weights = (
            self.tape[f"layers.{at[0]}.{at[1]}.{what}"] for what in ("selected", "weights"))
        having = {i: adapter for i, adapter in enumerate(linears.adapters) if at in adapter.pairs}
        delta, h, rows = training_lora.of_update(
            x, dy, selected, weights, {i: each.pairs[at] for i, each in having.items()},
            {i: each.scalings[at] for i, each in having.items()})
        dg = training_lora.of_gate_logits(
            self.gate_gradients[at], selected, weights, h, linears.temperature)
        self.totals.outer(adapters.key(*at, "moe_gate"), dg, x)
        for i, each in rows.items():
            self._adapter(at, f".{linears.names[i]}", each)
        return training_lora.of_input(base, delta, dg, linears.gates[at])

    def _single(self, at, x, dy, base):
        adapter = self.model.linears.adapter
        delta, _, rows = training_lora.of_update(
            x, dy, np.zeros((len(x), 1), np.int64), np.ones((len(x), 1), F32),
            {0: adapter.pairs[at]}, {0: adapter.scalings[at]})
        self._adapter(at, "", rows[0])
        return training_lora.of_input(base, delta)

    def _adapter(self, at, suffix, rows):
        self.totals.outer(adapters.key(*at, "lora_A" + suffix), rows.cu, rows.x)
        self.totals.outer(adapters.key(*at, "lora_B" + suffix), rows.dy, rows.cz)
