"""MeteoRA over Transformers' Llama and PEFT's adapters, in binary32 and in true binary64.

The base model, the adapters' ranks and scalings and the single-adapter model are Transformers' and
PEFT's own. Restated here are only the routed layer (`RoutedLinear`) and the two pieces of the Llama
that Transformers computes in binary32 whatever the model's dtype is (RMSNorm, RoPE angles).
(pip install -r requirements-torch-5x.txt; imported, not run.)
"""

import json
import math
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
# Without this MKL's sums depend on where in memory an operand happens to lie.
os.environ["MKL_CBWR"] = "AVX512,STRICT"

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from safetensors import safe_open
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import LlamaForCausalLM
from transformers.utils import logging

logging.disable_progress_bar()

PREFIX = "base_model.model."


class ModelFolder:
    """A bundle, or a plain Hugging Face folder with adapters/, gates or a checkpoint beside it."""

    def __init__(self, path):
        self.path = Path(path)
        self.is_bundle = (self.path / "meteora.json").exists()
        self.gates, self.checkpoint = None, None
        if self.is_bundle:
            description = json.loads((self.path / "meteora.json").read_text())
            self.base = self.path / description["base"]
            self.adapters = {a["name"]: self.path / a["path"] for a in description["adapters"]}
            self.gates = self.path / description["gates"]
            self.router = description["router"]
        else:
            self.base = self.path
            folders = (self.path / "adapters").glob("*/adapter_config.json")
            ordered = sorted((f.parent for f in folders), key=lambda f: f.name.encode())
            self.adapters = {folder.name: folder for folder in ordered}
            self.router = {"top_k": 2, "temperature": 1.0}
            if (self.path / "gates.safetensors").exists():
                self.gates = self.path / "gates.safetensors"
            self.checkpoint = next(self.path.glob("*checkpoint.safetensors"), None)

    @property
    def is_routed(self):
        return self.gates is not None or self.checkpoint is not None


class RoutedLinear(torch.nn.Module):
    """y = W x + Σ over the k adapters with the largest gate logits of w · s · B (A x).

    Top-k on the raw logits, ties to the lower index; w = softmax(selected logits / T). `adapters`
    holds (A [r, in], B [out, r], s) per adapter, None where an adapter lacks this module: its gate
    row stays and its weight is not handed to others. After a call, `logits` [T, L] and `order`
    [T, L] (all adapters by falling logit) are those of that call.
    """

    def __init__(self, base, gate, adapters, top_k, temperature):
        super().__init__()
        self.base, self.gate, self.adapters = base, gate, adapters
        self.top_k, self.temperature = top_k, temperature

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1])
        self.logits = functional.linear(rows, self.gate)
        values, self.order = torch.sort(self.logits, dim=-1, descending=True, stable=True)
        weights = torch.softmax(values[:, : self.top_k] / self.temperature, dim=-1)
        selected = self.order[:, : self.top_k]
        y = self.base(rows)
        for index, adapter in enumerate(self.adapters):
            if adapter is None:
                continue
            a, b, scaling = adapter
            weight = (weights * (selected == index)).sum(-1, keepdim=True)
            y = y + weight * scaling * functional.linear(functional.linear(rows, a), b)
        return y.reshape(*x.shape[:-1], -1)


def load_base(folder, dtype):
    model = LlamaForCausalLM.from_pretrained(folder.base, dtype=dtype)
    return model.eval().requires_grad_(False)


def load_adapters(folder, names, dtype):
    """PEFT's model with these adapters; the first one is active."""
    model = load_base(folder, dtype)
    peft = None
    for name in names:
        path, options = folder.adapters[name], {"autocast_adapter_dtype": False}
        if peft is None:
            peft = PeftModel.from_pretrained(model, path, adapter_name=name, **options)
        else:
            peft.load_adapter(path, adapter_name=name, **options)
    peft.to(dtype)
    return peft.eval().requires_grad_(False)


def load_routed(folder, dtype, top_k, temperature):
    """The MeteoRA model, and its routed layers by Llama module name."""
    names = list(folder.adapters)
    model = load_adapters(folder, names, dtype).base_model.model
    with safe_open(folder.checkpoint or folder.gates, "pt") as file:
        tensors = {key: file.get_tensor(key).to(dtype) for key in file.keys()}
    layers = {}
    for module, layer in list(model.named_modules()):
        if isinstance(layer, LoraLayer):
            key = PREFIX + module
            adapters = [adapter_parts(layer, name) for name in names]
            if folder.checkpoint:
                adapters = split_checkpoint(tensors, key, adapters)
                assert torch.equal(tensors[f"{key}.base_layer.weight"], layer.base_layer.weight)
            gate = tensors.pop(f"{key}.moe_gate.weight")
            layers[module] = RoutedLinear(layer.base_layer, gate, adapters, top_k, temperature)
    assert not [key for key in tensors if key.endswith("moe_gate.weight")]
    for module, layer in layers.items():
        parent, _, child = module.rpartition(".")
        setattr(model.get_submodule(parent), child, layer)
    return model, layers


def adapter_parts(layer, name):
    if name not in layer.lora_A:
        return None
    return layer.lora_A[name].weight, layer.lora_B[name].weight, layer.scaling[name]


def split_checkpoint(tensors, key, adapters):
    """The checkpoint's A and B replace those of the adapter folders; blocks by running sum."""
    ranks = [0 if adapter is None else len(adapter[0]) for adapter in adapters]
    a = tensors[f"{key}.lora_A.weight"].split(ranks, 0)
    b = tensors[f"{key}.lora_B.weight"].split(ranks, 1)
    return [adapter and (a[i], b[i], adapter[2]) for i, adapter in enumerate(adapters)]


# True binary64


def make_exact(model):
    """Replaces what Transformers computes in binary32: RMSNorm, RoPE frequencies and angles."""
    assert model.dtype == torch.float64 and model.config._attn_implementation == "sdpa"
    for module in list(model.modules()):
        if type(module).__name__ == "LlamaRMSNorm":
            module.forward = exact_norm(module)
        elif type(module).__name__ == "LlamaRotaryEmbedding":
            module.forward = exact_rotation(rope_frequencies(model.config))
    return model


def exact_norm(module):
    def forward(x):
        mean_square = x.square().mean(-1, keepdim=True)
        return module.weight * x / (mean_square + module.variance_epsilon).sqrt()

    return forward


def exact_rotation(frequencies):
    def forward(x, position_ids):
        angles = position_ids[..., None].to(torch.float64) * frequencies
        angles = torch.cat((angles, angles), dim=-1)
        return angles.cos(), angles.sin()

    return forward


def rope_frequencies(config):
    rope = config.rope_parameters
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    exponents = torch.arange(0, width, 2, dtype=torch.float64) / width
    plain = rope["rope_theta"] ** -exponents
    if rope["rope_type"] == "default":
        return plain
    if rope["rope_type"] == "linear":
        return plain / rope["factor"]
    assert rope["rope_type"] == "llama3"
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    turns = rope["original_max_position_embeddings"] * plain / (2 * math.pi)
    smooth = ((turns - low) / (high - low)).clamp(0, 1)
    return (1 - smooth) * plain / rope["factor"] + smooth * plain


class OnlyBinary64(TorchDispatchMode):
    """Fails at the first operation whose result is floating but not binary64."""

    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        result = operation(*arguments, **(keywords or {}))
        for value in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                assert value.dtype == torch.float64, f"{operation} gives {value.dtype}"
        return result


def exact_logits(model, ids):
    """Logits [T, V] of a model that `make_exact` prepared."""
    with torch.no_grad(), OnlyBinary64():
        return model(ids[None], use_cache=False).logits[0]
