"""Adapters, gates, published checkpoints and bundles: what is read, and how it changes a layer.

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- The rank of a module is that of its stored A; alpha is lora_alpha or the first key of
  alpha_pattern whose `(.*\\.)?KEY` matches the whole path "model.layers.0.self_attn.q_proj".
  (PEFT 0.10 looks in alpha_pattern only for the key that matched in rank_pattern, if one did;
  later versions look in each on its own. The fixtures use the same key in both.)
- Published checkpoint: A, B and gates come from it, never from the adapter folders; the base
  weights come from the model's folder. An adapter without a module takes no rows in it, so the
  blocks are found by the running sum of the ranks of those that have it.
- A single adapter: c = 1 * s, delta = fma(s, dot(B, z), +0), y = base + delta.
- A module that no adapter has is the plain layer and is not traced by the cases. If only some
  adapters are allowed, so is a module that none of those has.
- Allowed adapters: gate logits are those of all adapters, indices too.
"""

import json
import re
from pathlib import Path

import numpy as np

import contract
import lora_moe
import routing
import tensors
from llama import BLOCKS, MODULES

F32 = np.float32
PREFIX = "base_model.model.model"


def key(layer, module, what):
    return f"{PREFIX}.layers.{layer}.{BLOCKS[module]}.{module}.{what}.weight"


class Adapter:
    """A PEFT folder: pairs (A, B) and scalings by (layer, module)."""

    def __init__(self, folder):
        config = json.loads((Path(folder) / "adapter_config.json").read_text())
        stored = tensors.read(Path(folder) / "adapter_model.safetensors")
        self.pairs, self.scalings = {}, {}
        for name, a in stored.items():
            path = rf"{re.escape(PREFIX)}\.layers\.(\d+)\.(\w+)\.(\w+)\.lora_A\.weight"
            found = re.fullmatch(path, name)
            if found:
                layer, module = int(found[1]), found[3]
                b = stored[key(layer, module, "lora_B")]
                alpha = self._alpha(config, f"model.layers.{layer}.{found[2]}.{module}")
                self.pairs[layer, module] = (a.f32, b.f32)
                self.scalings[layer, module] = lora_moe.scaling(
                    alpha, a.shape[0], config["use_rslora"])

    @staticmethod
    def _alpha(config, path):
        for pattern, alpha in config["alpha_pattern"].items():
            if re.fullmatch(rf"(.*\.)?{pattern}", path):
                return alpha
        return config["lora_alpha"]


class SingleLinears:
    """One adapter on its own, without gates."""

    def __init__(self, adapter):
        self.adapter = adapter

    def apply(self, layer, module, x, base, record):
        at = (layer, module)
        if at not in self.adapter.pairs:
            return base
        ones, zeros = np.ones((len(x), 1), F32), np.zeros((len(x), 1), np.int64)
        delta = lora_moe.delta(
            x, zeros, ones, {0: self.adapter.pairs[at]}, {0: self.adapter.scalings[at]},
            base.shape[1])
        record("delta", delta)
        return base + delta


class RoutedLinears:
    """Many adapters and their gates."""

    def __init__(self, adapters, gates, top_k, temperature, allowed=None):
        """`allowed`: ascending indices of the adapters that may be chosen; all if None."""
        self.adapters, self.gates = adapters, gates
        self.top_k, self.temperature = top_k, temperature
        self.allowed = allowed

    def apply(self, layer, module, x, base, record):
        at = (layer, module)
        if at not in self.gates:
            return base
        if self.allowed is not None and not any(
                at in self.adapters[i].pairs for i in self.allowed):
            return base
        logits = contract.products(x, self.gates[at])
        selected, weights = routing.route(logits, self.top_k, self.temperature, self.allowed)
        having = {i: a for i, a in enumerate(self.adapters) if at in a.pairs}
        delta = lora_moe.delta(
            x, selected, weights, {i: a.pairs[at] for i, a in having.items()},
            {i: a.scalings[at] for i, a in having.items()}, base.shape[1])
        for what, value in [("gate_logits", logits), ("selected", selected),
                            ("weights", weights), ("delta", delta)]:
            record(what, value)
        return base + delta


def read_gates(path):
    stored = tensors.read(path)
    return {
        (layer, module): stored[key(layer, module, "moe_gate")].f32
        for layer in range(1000)
        for module in MODULES
        if key(layer, module, "moe_gate") in stored
    }


def read_checkpoint(path, adapters):
    """Gates of a published checkpoint; its A and B replace those of `adapters`."""
    stored, gates = tensors.read(path), read_gates(path)
    for at in gates:
        a, b = (stored[key(*at, what)].f32 for what in ("lora_A", "lora_B"))
        start = 0
        for adapter in adapters:
            if at in adapter.pairs:
                block = slice(start, start + adapter.pairs[at][0].shape[0])
                adapter.pairs[at] = (a[block], b[:, block])
                start = block.stop
        assert start == len(a) == b.shape[1]
    return gates


def adapter_folders(parent):
    """`--adapters DIR`: (name, folder) in the byte order of the names' UTF-8."""
    return sorted(
        ((folder.name, folder) for folder in Path(parent).iterdir() if folder.is_dir()),
        key=lambda pair: pair[0].encode())


def read_bundle(folder):
    """(base folder, [(name, folder)], gates file) of a bundle."""
    bundle, folder = json.loads((Path(folder) / "meteora.json").read_text()), Path(folder)
    assert bundle["format_version"] == 1
    named = [(a["name"], folder / a["path"]) for a in bundle["adapters"]]
    return folder / bundle["base"], named, folder / bundle["gates"]
