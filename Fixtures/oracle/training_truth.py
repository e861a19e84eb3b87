"""Training of MeteoRA in PyTorch, in binary32 and in true binary64: losses, gradients, AdamW.

The model is that of meteora_torch.py; autograd, AdamW, clipping and the schedule are PyTorch's and
Transformers' own. Restated here are only the losses, over right-padded batches:

language   cross-entropy of the logits of a token and the next id
gates      cross-entropy of the gate logits of a token (of all adapters, not divided by T) and the
           adapter of the next token, over all routed modules
loss       language + β · gates

Both are means over the labels of a whole optimiser step. Nothing is detached.
(pip install -r requirements-torch-5x.txt; imported, not run.)
"""

import contextlib
import math
from dataclasses import dataclass

import torch
from peft.tuners.lora import LoraLayer
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import get_cosine_schedule_with_warmup

from meteora_torch import (
    OnlyBinary64, PREFIX, load_adapters, load_base, load_routed, make_exact
)

NO_LABEL = -100
PADDING = 2  # config.json's eos_token_id, as the published code pads


@dataclass
class Batch:
    """ids and mask [B, T]; next_ids and next_owners [B, T - 1], NO_LABEL where none counts."""

    ids: torch.Tensor
    mask: torch.Tensor
    next_ids: torch.Tensor
    next_owners: torch.Tensor


def padded(ids, counts, owners):
    """A batch from lists of sequences; counts 1: to be predicted, owners −1: unknown."""
    next_ids = [each.where(count == 1, NO_LABEL) for each, count in zip(ids, counts)]
    next_owners = [each.where(each >= 0, NO_LABEL) for each in owners]
    pad = lambda sequences, value: pad_sequence(sequences, batch_first=True, padding_value=value)
    return Batch(
        pad(ids, PADDING), pad([torch.ones_like(each) for each in ids], 0),
        pad(next_ids, NO_LABEL)[:, 1:], pad(next_owners, NO_LABEL)[:, 1:],
    )


class Training:
    """A tiny model, and by name what is trained of it, in ascending order of the names.

    Names are those that files have; of several adapters PEFT's own, with the adapter's name in it:
    base_model.model.model.layers.0.self_attn.q_proj.lora_A.NAME.weight.
    """

    def __init__(self, folder, parameters, dtype):
        self.is_exact, self.beta, self.routed = dtype == torch.float64, 0.0, {}
        trained = parameters["trained"]
        if trained == "base":
            self.model = load_base(folder, dtype)
            tensors = dict(self.model.named_parameters())
        elif trained == "adapter":
            (name,) = folder.adapters
            self.model = load_adapters(folder, [name], dtype).base_model.model
            tensors = adapter_tensors(self.model, name)
        else:
            router = parameters["top_k"], parameters["temperature"]
            self.model, self.routed = load_routed(folder, dtype, *router)
            self.beta = parameters["beta"]
            names = folder.adapters if trained == "gates_and_adapters" else []
            tensors = routed_tensors(self.routed, names)
        if self.is_exact:
            make_exact(self.model)
        self.trained = dict(sorted(tensors.items(), key=lambda item: item[0].encode()))
        for tensor in self.trained.values():
            tensor.requires_grad_(True)

    def accumulate(self, batches):
        """Adds the gradients of one optimiser step; its losses: language, gates, both."""
        count = sum(int((batch.next_ids != NO_LABEL).sum()) for batch in batches)
        owned = sum(int((batch.next_owners != NO_LABEL).sum()) for batch in batches)
        owned *= len(self.routed)
        totals, self.choices = torch.zeros(3, dtype=torch.float64), []
        for batch in batches:
            with OnlyBinary64() if self.is_exact else contextlib.nullcontext():
                logits = self.model(batch.ids, attention_mask=batch.mask, use_cache=False).logits
                language = cross_entropy(logits, batch.next_ids) / count
                gates = torch.zeros_like(language)
                if self.routed:
                    gates = self._gate_loss(batch) / owned
                loss = language + self.beta * gates
                loss.backward()
            totals += torch.stack([language, gates, loss]).detach().double()
        return totals

    def _gate_loss(self, batch):
        losses = []
        for layer in self.routed.values():
            logits = layer.logits.reshape(*batch.ids.shape, -1)
            losses.append(cross_entropy(logits, batch.next_owners))
            self.choices.append(choices(layer, batch.mask.bool().reshape(-1)))
        return sum(losses)

    def gradients(self):
        return {name: tensor.grad.detach().clone() for name, tensor in self.trained.items()}

    def values(self):
        return {name: tensor.detach().clone() for name, tensor in self.trained.items()}

    @property
    def gap(self):
        """The least lead of a k-th largest gate logit over the next, in the latest step."""
        return min((float(gap) for _, gap in self.choices), default=torch.inf)

    @property
    def selected(self):
        return [selected for selected, _ in self.choices]


def adapter_tensors(model, name):
    tensors = {}
    for module, layer in model.named_modules():
        if isinstance(layer, LoraLayer):
            tensors[f"{PREFIX}{module}.lora_A.weight"] = layer.lora_A[name].weight
            tensors[f"{PREFIX}{module}.lora_B.weight"] = layer.lora_B[name].weight
    return tensors


def routed_tensors(layers, names):
    tensors = {}
    for module, layer in layers.items():
        tensors[f"{PREFIX}{module}.moe_gate.weight"] = layer.gate
        for name, adapter in zip(names, layer.adapters):
            if adapter is not None:
                tensors[f"{PREFIX}{module}.lora_A.{name}.weight"] = adapter[0]
                tensors[f"{PREFIX}{module}.lora_B.{name}.weight"] = adapter[1]
    return tensors


def cross_entropy(logits, next_labels):
    """The sum over the labels; the last position predicts nothing."""
    predictions = logits[:, :-1].flatten(0, 1)
    return functional.cross_entropy(
        predictions, next_labels.flatten(), ignore_index=NO_LABEL, reduction="sum"
    )


def choices(layer, is_token):
    """(the adapters of each token, ascending; the least gap to those not taken)."""
    order, k = layer.order[is_token], layer.top_k
    values = layer.logits.detach()[is_token].gather(1, order)
    gap = (values[:, k - 1] - values[:, k]).min() if k < values.shape[1] else torch.inf
    return order[:, :k].sort(-1).values, gap


class Optimiser:
    """AdamW with clipping and a cosine schedule; weight decay acts on matrices alone."""

    def __init__(self, training, parameters):
        self.training, self.max_norm = training, parameters["max_norm"]
        tensors, decay = list(training.trained.values()), parameters["weight_decay"]
        groups = [
            {"params": [tensor for tensor in tensors if tensor.dim() > 1], "weight_decay": decay},
            {"params": [tensor for tensor in tensors if tensor.dim() == 1], "weight_decay": 0.0},
        ]
        self.adamw = torch.optim.AdamW(
            [group for group in groups if group["params"]], lr=parameters["learning_rate"],
            betas=(parameters["beta1"], parameters["beta2"]), eps=parameters["eps"], foreach=False,
        )
        assert parameters["schedule"] == "cosine"
        total = parameters["total_steps"]
        warmup = math.ceil(parameters["warmup_ratio"] * total)
        self.schedule = get_cosine_schedule_with_warmup(self.adamw, warmup, total)

    def step(self, batches):
        """One step: losses [3], norms before and after clipping [2], the learning rate; and the
        gradients before clipping."""
        self.adamw.zero_grad()
        losses = self.training.accumulate(batches)
        gradients = self.training.gradients()
        tensors = list(self.training.trained.values())
        before = torch.nn.utils.clip_grad_norm_(tensors, self.max_norm)
        after = torch.nn.utils.get_total_norm([tensor.grad for tensor in tensors])
        (rate,) = set(self.schedule.get_last_lr())
        self.adamw.step()
        self.schedule.step()
        return losses, torch.stack([before, after]).double(), rate, gradients
