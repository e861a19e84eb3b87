"""The trained tensors of a model by name: read, replaced, and their totals over a step.

(pip install -r requirements-numpy.txt; imported, not run.)

Names are those that the tensors have in files: of the base, of a gates file, of a PEFT folder.
Readings chosen where the contract leaves a choice:
- Of several adapters trained together, a tensor has the name of PEFT's parameter, which holds the
  adapter's: base_model.model.model.layers.0.self_attn.q_proj.lora_A.NAME.weight.
"""

import numpy as np

import adapters
import training_sums

TRAINED = ("gates", "gates_and_adapters", "adapter", "base")


class Parameters:
    """A view of the trained tensors of a model; `model` is changed by `replace`."""

    def __init__(self, model, trained, adapter_names=()):
        assert trained in TRAINED, trained
        self.model, self.places = model, {}
        if trained == "base":
            self.places = {name: (model.weights, name, None) for name in model.weights
                           if not name.endswith("rotary_emb.inv_freq")}  # fmt: skip
        if trained.startswith("gates"):
            gates = model.linears.gates
            self.places = {adapters.key(*at, "moe_gate"): (gates, at, None) for at in gates}
        if trained == "gates_and_adapters":
            for adapter, name in zip(model.linears.adapters, adapter_names):
                self._add(adapter, f".{name}")
        if trained == "adapter":
            self._add(model.linears.adapter, "")

    def _add(self, adapter, suffix):
        for at in adapter.pairs:
            for part, what in enumerate(("lora_A", "lora_B")):
                self.places[adapters.key(*at, what + suffix)] = (adapter.pairs, at, part)

    def values(self):
        """name -> array."""
        whole = {name: holder[at] for name, (holder, at, _) in self.places.items()}
        return {name: value if self.places[name][2] is None else value[self.places[name][2]]
                for name, value in whole.items()}  # fmt: skip

    def replace(self, values):
        for name, (holder, at, part) in self.places.items():
            if part is None:
                holder[at] = values[name]
            else:
                pair = list(holder[at])
                pair[part] = values[name]
                holder[at] = tuple(pair)


class Totals:
    """Gradients of the trained tensors, which grow from batch to batch of a step."""

    def __init__(self, values):
        self.gradients = {name: np.zeros_like(value) for name, value in values.items()}

    def outer(self, name, a, b):
        if name in self.gradients:
            self.gradients[name] = training_sums.add_outer(self.gradients[name], a, b)

    def rows(self, name, a, b):
        if name in self.gradients:
            self.gradients[name] = training_sums.add_rows(self.gradients[name], a, b)

    def embedding(self, name, ids, dh):
        if name in self.gradients:
            self.gradients[name] = add_embedding(self.gradients[name], ids, dh)


def add_embedding(total, ids, dh):
    """For rows ascending: dE[id] = dE[id] + dh."""
    total = total.copy()
    for row, token in enumerate(ids):
        total[token] = total[token] + dh[row]
    return total
