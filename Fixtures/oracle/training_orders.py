"""The same tiny model and tokens in another order: equal in exact arithmetic, not in binary32.

Sums run in other orders, so PyTorch's binary32 error of one tensor, which is one draw of a random
number, becomes many. (pip install -r requirements-torch-5x.txt; imported, not run.)
"""

import torch
from transformers import LlamaConfig

from training_truth import Batch, NO_LABEL

WRITE_HIDDEN = ("o_proj", "down_proj")
WRITE_INNER = ("gate_proj", "up_proj")


class Order:
    """Orders of units, token ids, adapters and sequences, drawn from a seed.

    Each lists for every new place the old one. Odd seeds take the eager attention in place of sdpa.
    """

    def __init__(self, folder, seed):
        config = LlamaConfig.from_pretrained(folder.base)
        self.seed, self.generator = seed, torch.Generator().manual_seed(seed)
        self.hidden = self._draw(config.hidden_size)
        self.inner = self._draw(config.intermediate_size)
        self.ids = self._draw(config.vocab_size)
        self.adapters = self._draw(len(folder.adapters))
        # Those of a value head, the same for all heads.
        width = config.hidden_size // config.num_attention_heads
        unit = self._draw(width)
        of_heads = lambda count: torch.cat([head * width + unit for head in range(count)])
        self.values = of_heads(config.num_key_value_heads)
        self.attended = of_heads(config.num_attention_heads)

    def _draw(self, count):
        return torch.randperm(count, generator=self.generator)

    def of(self, name):
        """For each dimension of the tensor the order of its units; None if it keeps its own."""
        module = next((part for part in name.split(".") if part.endswith("_proj")), None)
        if module is None:
            return (self.hidden,) if "norm" in name else (self.ids, self.hidden)
        inputs = {"o_proj": self.attended, "down_proj": self.inner}.get(module, self.hidden)
        outputs = self.hidden if module in WRITE_HIDDEN else None
        outputs = self.inner if module in WRITE_INNER else outputs
        outputs = self.values if module == "v_proj" else outputs
        if ".moe_gate." in name:
            return (self.adapters, inputs)
        if ".lora_A." in name:
            return (None, inputs)
        if ".lora_B." in name:
            return (outputs, None)
        return (outputs,) if name.endswith(".bias") else (outputs, inputs)

    def apply(self, training):
        if self.seed % 2:
            training.model.set_attn_implementation("eager")
        everything = dict(training.model.named_parameters())
        for module, layer in training.routed.items():
            everything[f"{module}.moe_gate.weight"] = layer.gate
            for index, adapter in enumerate(layer.adapters):
                if adapter is not None:
                    everything[f"{module}.lora_A.{index}.weight"] = adapter[0]
                    everything[f"{module}.lora_B.{index}.weight"] = adapter[1]
            layer.adapters = [layer.adapters[index] for index in self.adapters]
        with torch.no_grad():
            for name, tensor in everything.items():
                tensor.copy_(reordered(tensor.clone(), self.of(name)))

    def batch(self, batch):
        """The batch with its sequences in another order and its ids and owners renamed."""
        sequences = self._draw(len(batch.ids))
        ids, owners = self.ids.argsort(), self.adapters.argsort()
        return Batch(
            ids[batch.ids[sequences]], batch.mask[sequences],
            renamed(batch.next_ids[sequences], ids), renamed(batch.next_owners[sequences], owners),
        )

    def undone(self, values):
        """Values or gradients by name, in the order that files have."""
        back = lambda name: [order if order is None else order.argsort() for order in self.of(name)]
        return {name: reordered(value, back(name)) for name, value in values.items()}


def reordered(tensor, orders):
    for dimension, order in enumerate(orders):
        if order is not None:
            tensor = tensor.index_select(dimension, order)
    return tensor


def renamed(labels, names):
    if len(names) == 0:
        return labels
    return torch.where(labels == NO_LABEL, labels, names[labels.clamp(min=0)])
