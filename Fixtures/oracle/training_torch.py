"""The training of a case by PyTorch in true binary64 or in its own binary32: autograd, AdamW,
clipping and schedules are those of torch and Transformers, the model is that of meteora_torch.py.

(pip install -r requirements-torch-5x.txt; imported, not run.)
"""

import math
from dataclasses import dataclass, field

import meteora_torch
import torch
from manifest import GOLDEN
from torch.nn import functional
from transformers import get_scheduler


@dataclass
class Step:
    language_loss: float
    gate_loss: float | None
    loss: float
    gradients: dict  # before clipping
    norm: float
    weights: dict  # after the update
    gap: float  # least difference between the last selected gate logit and the first that is not
    selected: dict = field(default_factory=dict)  # "layers.0.q_proj" -> [[rows, k] of each batch]


class Training:
    def __init__(self, parameters, dtype=torch.float64):
        self.parameters = parameters
        folder = meteora_torch.ModelFolder(GOLDEN / parameters["model"])
        names = list(folder.adapters)
        self.layers, self.named = {}, {}
        if parameters["mode"] == "routed":
            router = {**folder.router, **parameters}
            self.model, self.layers = meteora_torch.load_routed(
                folder, dtype, router["top_k"], router["temperature"])
            for module, layer in self.layers.items():
                self._name_routed(meteora_torch.PREFIX + module, layer, names)
        elif parameters["mode"] == "single":
            peft = meteora_torch.load_adapters(folder, names, dtype)
            self.model = peft.base_model.model
            self.named = {name.replace(f".{names[0]}.", "."): value
                          for name, value in peft.named_parameters() if ".lora_" in name}
        else:
            self.model = meteora_torch.load_base(folder, dtype)
            self.named = dict(self.model.named_parameters())
        if dtype == torch.float64:
            meteora_torch.make_exact(self.model)
        self._optimise()

    def _name_routed(self, key, layer, names):
        self.named[f"{key}.moe_gate.weight"] = layer.gate
        if self.parameters["trained"] == "gates":
            return
        for name, adapter in zip(names, layer.adapters):
            if adapter is not None:
                self.named[f"{key}.lora_A.{name}.weight"] = adapter[0]
                self.named[f"{key}.lora_B.{name}.weight"] = adapter[1]

    def _optimise(self):
        of, tensors = self.parameters, [each.requires_grad_(True) for each in self.named.values()]
        groups = [{"params": [each for each in tensors if each.ndim > 1]},
                  {"params": [each for each in tensors if each.ndim < 2], "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(
            [group for group in groups if group["params"]], lr=of["learning_rate"],
            betas=(of["beta1"], of["beta2"]), eps=of["eps"], weight_decay=of["weight_decay"],
            foreach=False)
        schedule = {"constant": "constant_with_warmup"}.get(of["schedule"], of["schedule"])
        self.scheduler = get_scheduler(
            schedule, self.optimizer, math.ceil(of["warmup_ratio"] * of["total_steps"]),
            of["total_steps"])

    def step(self, batches):
        language, gate, self.gap, self.selected = [], [], math.inf, {}
        for batch in batches:
            for ids, counts, owners in zip(batch.ids, batch.counts, batch.owners):
                logits = self.model(torch.tensor(ids)[None], use_cache=False).logits[0]
                next_ids, counted = torch.tensor(ids[1:]), torch.tensor(counts[1:]) == 1
                language.append(functional.cross_entropy(
                    logits[:-1][counted], next_ids[counted], reduction="none"))
                gate += self._gates(torch.tensor(owners[1:]))
        language = torch.cat(language).mean()
        gate = torch.cat(gate).mean() if gate else None
        loss = language if gate is None else language + self.parameters["beta"] * gate
        self.optimizer.zero_grad()
        loss.backward()
        zeros = lambda each: torch.zeros_like(each) if each.grad is None else each.grad
        gradients = {name: zeros(each).detach().numpy().copy()
                     for name, each in self.named.items()}  # fmt: skip
        for each in self.named.values():
            each.grad = zeros(each)
        norm = torch.nn.utils.clip_grad_norm_(
            list(self.named.values()), self.parameters["max_norm"])
        self.optimizer.step()
        self.scheduler.step()
        weights = {name: each.detach().numpy().copy() for name, each in self.named.items()}
        number = lambda value: None if value is None else value.item()
        return Step(language.item(), number(gate), loss.item(), gradients, norm.item(), weights,
                    self.gap, self.selected)

    def _gates(self, owners):
        """Losses of one sequence by layer."""
        losses, known = [], owners >= 0
        for module, layer in self.layers.items():
            falling = torch.gather(layer.logits, 1, layer.order)
            k = layer.top_k
            if k < falling.shape[1]:
                self.gap = min(self.gap, (falling[:, k - 1] - falling[:, k]).min().item())
            path = module.split(".")
            self.selected.setdefault(f"layers.{path[2]}.{path[4]}", []).append(
                layer.order[:, :k].sort(-1).values.numpy())
            losses.append(functional.cross_entropy(
                layer.logits[:-1][known], owners[known], reduction="none"))
        return losses
