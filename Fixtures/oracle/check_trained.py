"""Do PEFT and Transformers load what training wrote, with the weights that were trained?

    METEORA_TRAINED_RESULTS=FOLDER swift test --filter TrainedResultExport
    python check_trained.py FOLDER   (requirements-torch-5x.txt; under -4x.txt too)

In FOLDER stand the results of models of golden/models whose weights were changed, in F32 and in
BF16 (the end of the name), and beside each `expected.safetensors`, the weights in binary32 as they
were trained. Checked, one line of output each; exit 1 at the first difference:

- every safetensors file: its bytes equal those that the safetensors package writes for the same
  tensors and metadata;
- gates-*: names, shapes and bits of the gates; PEFT loads every adapter without complaint, with the
  A, B and scaling that were trained; the published layout has the base's tensors as they are
  stored, under base_layer where a module has adapters, the head of a tied model, the gates, and A
  and B of all adapters one after the other;
- base-*: Transformers loads the folder without missing or unexpected keys, with the weights that
  were trained, in the type that was asked for;
- settings-*: PEFT loads an adapter whose configuration is of our own making.

Rounding to BF16 is PyTorch's. Models with a head dimension of their own are left out where
Transformers does not know it (4.40).
"""

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from safetensors import safe_open
from safetensors.torch import save
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

logging.disable_progress_bar()

PREFIX = "base_model.model."
MODULES = {
    "self_attn": ["q_proj", "k_proj", "v_proj", "o_proj"],
    "mlp": ["gate_proj", "up_proj", "down_proj"],
}


def fail(reason):
    sys.exit(f"check_trained.py: {reason}")


def passed(what):
    print(f"ok  {what}")


def read(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def compare(what, found, expected):
    """Two dictionaries of tensors, bit for bit."""
    if found.keys() != expected.keys():
        fail(f"{what}: has {sorted(found.keys() ^ expected.keys())} too many or not at all")
    raw = lambda t: t.contiguous().reshape(-1).view(torch.uint8)
    for name, tensor in found.items():
        other = expected[name]
        same = tensor.dtype == other.dtype and tensor.shape == other.shape
        if not same or not torch.equal(raw(tensor), raw(other)):
            fail(f"{what}: {name} ({tensor.dtype} {list(tensor.shape)}) is not as it was trained")
    passed(f"{what}: {len(found)} tensors")


def check_bytes(path, what):
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    if metadata != {"format": "pt"}:
        fail(f"{what}: metadata {metadata}")
    if path.read_bytes() != save(read(path), metadata):
        fail(f"{what}: other bytes than the safetensors package writes")
    passed(f"{what}: bytes as the package writes them")


class Case:
    def __init__(self, folder):
        self.folder, self.name = folder, folder.name
        self.dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[folder.name.rsplit("-", 1)[1]]
        self.expected = read(folder / "expected.safetensors")

    def part(self, prefix):
        return {
            name[len(prefix) :]: tensor.to(self.dtype)
            for name, tensor in self.expected.items()
            if name.startswith(prefix)
        }

    def base(self):
        model, report = LlamaForCausalLM.from_pretrained(
            self.folder / "base", torch_dtype="auto", output_loading_info=True
        )
        if any(report.values()):
            fail(f"{self.name}: Transformers reports {report}")
        return model

    def check_adapter(self, name):
        with warnings.catch_warnings(record=True) as complaints:
            warnings.simplefilter("always")
            folder = self.folder / "adapters" / name
            model = PeftModel.from_pretrained(self.base().float(), folder)
        for complaint in complaints:
            if "adapter" in str(complaint.message):
                fail(f"{self.name}: PEFT warns: {complaint.message}")
        weights, scalings = {}, {}
        for module, layer in model.base_model.model.named_modules():
            if not isinstance(layer, LoraLayer):
                continue
            for matrix in ("lora_A", "lora_B"):
                weight = getattr(layer, matrix)["default"].weight.detach()
                weights[f"{PREFIX}{module}.{matrix}.weight"] = weight.float()
            scalings[module] = torch.tensor(layer.scaling["default"], dtype=torch.float32)
        trained = {k: t.float() for k, t in self.part(f"adapters/{name}/").items()}
        compare(f"{self.name}: adapter {name} in PEFT", weights, trained)
        prefix = f"scaling/{name}/"
        expected = {k[len(prefix) :]: t for k, t in self.expected.items() if k.startswith(prefix)}
        compare(f"{self.name}: scaling of {name}", scalings, expected)

    def check_published(self, order):
        """The layout, put together anew from base, adapters and gates."""
        base = {}
        for file in (self.folder / "base").glob("model*.safetensors"):
            base |= read(file)
        expected = self.part("gates/")
        adapters = [self.part(f"adapters/{name}/") for name in order]
        layers = json.loads((self.folder / "base/config.json").read_text())["num_hidden_layers"]
        for layer in range(layers):
            for block, modules in MODULES.items():
                for module in modules:
                    path = f"model.layers.{layer}.{block}.{module}"
                    for axis, matrix in enumerate(("lora_A", "lora_B")):
                        key = f"{PREFIX}{path}.{matrix}.weight"
                        parts = [adapter[key] for adapter in adapters if key in adapter]
                        if parts:
                            expected[key] = torch.cat(parts, dim=axis)
                    if any(f"{PREFIX}{path}.lora_A.weight" in a for a in adapters):
                        for end in ("weight", "bias"):
                            if f"{path}.{end}" in base:
                                base[f"{path}.base_layer.{end}"] = base.pop(f"{path}.{end}")
        base.setdefault("lm_head.weight", base["model.embed_tokens.weight"])
        expected |= {PREFIX + name: tensor for name, tensor in base.items()}
        found = read(self.folder / "checkpoint.safetensors")
        compare(f"{self.name}: published layout", found, expected)


def has_unknown_head_dimension(configuration):
    size = configuration["hidden_size"] // configuration["num_attention_heads"]
    known = hasattr(LlamaConfig(), "head_dim")
    return not known and configuration.get("head_dim") not in (None, size)


def check(folder):
    case = Case(folder)
    if has_unknown_head_dimension(json.loads((folder / "base/config.json").read_text())):
        print(f"--  {case.name}: left out, this Transformers knows no head_dim")
        return
    for file in ("gates", "checkpoint"):
        if (folder / f"{file}.safetensors").exists():
            check_bytes(folder / f"{file}.safetensors", f"{case.name}: {file}")
    for file in sorted(folder.glob("adapters/*/adapter_model.safetensors")):
        check_bytes(file, f"{case.name}: {file.parent.name}")
        case.check_adapter(file.parent.name)
    if case.name.startswith("gates-"):
        compare(
            f"{case.name}: gates", read(folder / "gates.safetensors"), case.part("gates/"))
        case.check_published(json.loads((folder / "order.json").read_text()))
    if case.name.startswith("base-"):
        check_bytes(folder / "base/model.safetensors", f"{case.name}: base")
        model, expected = case.base(), case.part("base/")
        if model.dtype != case.dtype:
            fail(f"{case.name}: config.json asks for {model.dtype}")
        expected.setdefault("lm_head.weight", expected["model.embed_tokens.weight"])
        compare(f"{case.name}: base in Transformers", dict(model.state_dict()), expected)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: check_trained.py FOLDER")
    cases = sorted(f for f in Path(sys.argv[1]).iterdir() if f.is_dir())
    if not cases:
        fail("no results there")
    for folder in cases:
        check(folder)


main()
