"""Builds the folders golden/models/hf4-… and hf5-…: files as Transformers and PEFT write them.

    PYTHONHASHSEED=0 python make_torch_models.py

Run it once in each environment (requirements-torch-4x.txt, -4x-late.txt, -5x.txt); each run makes
the folders of its own Transformers version (torch_specs.py). PYTHONHASHSEED is part of the seed:
PEFT writes `target_modules` in the order of a Python set. Every tensor has a random stream of its
own, named by folder and tensor, so the bytes depend neither on torch nor on the order of work.

Config and weight files are exactly those of `save_pretrained`; only PEFT's README.md (a model card
of boilerplate) is left out. The MeteoRA files (gates, checkpoint) are written by the safetensors
package in the published layout.
"""

import json
import os
import shutil
import sys
import zlib
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import peft
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

from torch_specs import MODELS

FOLDERS = Path(__file__).resolve().parent.parent / "golden" / "models"
PREFIX = "base_model.model."


def uniform(name, shape, deviation, mean=0.0):
    """Uniform numbers of the given standard deviation, binary64."""
    stream = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    values = mean + (2 * stream.random(tuple(shape)) - 1) * np.sqrt(3) * deviation
    return torch.from_numpy(values)


def fill_base(folder, model):
    """Weights that keep activations near 1 and logits within about ±10."""
    for name, weight in model.named_parameters():
        if "norm" in name:
            values = uniform(f"{folder}/{name}", weight.shape, 0.15, mean=1.0)
        elif name.endswith("bias"):
            values = uniform(f"{folder}/{name}", weight.shape, 0.1)
        elif "embed_tokens" in name or "lm_head" in name:
            values = uniform(f"{folder}/{name}", weight.shape, 2 / weight.shape[1] ** 0.5)
        else:
            values = uniform(f"{folder}/{name}", weight.shape, 1 / weight.shape[1] ** 0.5)
        weight.data.copy_(values)


def lora_values(stream, name, shape):
    rank = shape[0] if "lora_A" in name else shape[1]
    deviation = shape[1] ** -0.5 if "lora_A" in name else 0.2 * rank**-0.5
    return uniform(f"{stream}/{name}", shape, deviation)


def new_base(spec, folder):
    config = transformers.LlamaConfig(**json.loads(json.dumps(spec["config"])))
    config._name_or_path = "base"
    model = transformers.LlamaForCausalLM(config)
    model.name_or_path = "base"
    fill_base(folder, model)
    return model.to(getattr(torch, spec["dtype"]))


def save_adapter(folder, spec, name, options, target):
    options = dict(options)
    dtype = options.pop("save_as", None)
    config = peft.LoraConfig(task_type="CAUSAL_LM", **options)
    model = peft.get_peft_model(new_base(spec, folder), config)
    for key, weight in model.named_parameters():
        if "lora_" in key:
            plain = key.replace(".default", "")
            if dtype:
                weight.data = weight.data.to(getattr(torch, dtype))
            weight.data.copy_(lora_values(f"{folder}/{name}", plain, weight.shape))
    model.save_pretrained(target, save_embedding_layers=False)
    (target / "README.md").unlink()


def adapter_tensors(path):
    with safe_open(path / "adapter_model.safetensors", "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def gate_values(folder, module, count, width):
    name = f"{module}.moe_gate.weight"
    return {name: uniform(f"{folder}/{name}", (count, width), 2 * width**-0.5)}


def save_gates(folder, spec, adapters, path):
    """One gate for each module that at least one adapter has."""
    widths = {}
    for adapter in adapters:
        for name, tensor in adapter_tensors(adapter).items():
            if name.endswith(".lora_A.weight"):
                widths[name.removesuffix(".lora_A.weight")] = tensor.shape[1]
    gates = {}
    for module, width in widths.items():
        gates |= gate_values(folder, module, len(adapters), width)
    dtype = getattr(torch, spec["gates"])
    save_file({name: gate.to(dtype) for name, gate in gates.items()}, path, {"format": "pt"})


def save_checkpoint(folder, spec, adapters, path):
    """The published layout: base, gates and all adapters' matrices one after the other."""
    dtype = getattr(torch, spec["checkpoint"])
    parts = [adapter_tensors(adapter) for adapter in adapters]
    tensors = {}
    for name, tensor in new_base(spec, folder).state_dict().items():
        module = PREFIX + name.removesuffix(".weight")
        if "_proj." not in name:
            tensors[f"{module}.weight"] = tensor.clone()
            continue
        tensors[f"{module}.base_layer.weight"] = tensor
        tensors |= gate_values(folder, module, len(adapters), tensor.shape[1])
        for matrix, axis in (("lora_A", 0), ("lora_B", 1)):
            key = f"{module}.{matrix}.weight"
            trained = [
                lora_values(f"{folder}/checkpoint/{adapter.name}", key, part[key].shape)
                for adapter, part in zip(adapters, parts)
            ]
            tensors[key] = torch.cat(trained, axis)
    contents = {name: tensor.to(dtype).contiguous() for name, tensor in tensors.items()}
    save_file(contents, path, {"format": "pt"})


def build(folder, spec):
    root = FOLDERS / folder
    shutil.rmtree(root, ignore_errors=True)
    bundle = spec["layout"] == "bundle"
    base = root / "base" if bundle else root
    sharding = {"max_shard_size": spec["shard"]} if "shard" in spec else {}
    new_base(spec, folder).save_pretrained(base, **sharding)
    names = list(spec.get("adapters", {}))
    for name in names:
        save_adapter(folder, spec, name, spec["adapters"][name], root / "adapters" / name)
    adapters = [root / "adapters" / name for name in names]
    if "gates" in spec:
        save_gates(folder, spec, adapters, root / "gates.safetensors")
    if "checkpoint" in spec:
        assert names == sorted(names, key=str.encode), "a plain folder orders adapters by name"
        save_checkpoint(folder, spec, adapters, root / "checkpoint.safetensors")
    if bundle:
        description = {
            "format_version": 1, "base": "base",
            "adapters": [{"name": name, "path": f"adapters/{name}"} for name in names],
            "gates": "gates.safetensors", "router": {"top_k": 2, "temperature": 1.0},
        }
        (root / "meteora.json").write_text(json.dumps(description, indent=2) + "\n")
    for path in root.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            content = path.read_bytes()
            assert bytes(FOLDERS) not in content and bytes(Path.home()) not in content, path


def main():
    if os.environ.get("PYTHONHASHSEED") != "0":
        sys.exit("make_torch_models.py: run it with PYTHONHASHSEED=0")
    torch.manual_seed(0)
    for folder, spec in MODELS.items():
        if spec["transformers"] == transformers.__version__:
            build(folder, spec)
            size = sum(f.stat().st_size for f in (FOLDERS / folder).rglob("*") if f.is_file())
            print(f"{folder}: {size} bytes")


main()
