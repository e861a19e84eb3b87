"""Do folders that meteora wrote load in safetensors, Transformers and PEFT, with equal tensors?

    python check_written.py WRITTEN ORIGINAL   (requirements-torch-5x.txt; under -4x.txt too)
    python check_written.py FILE.safetensors ORIGINAL.safetensors

WRITTEN is a bundle (`meteora bundle`), or a PEFT folder, or one file. ORIGINAL is the folder under
golden/models that it was made from: a bundle, or a plain folder with adapters/ beside it, and
gates.safetensors or a checkpoint. Checked, one line of output each; exit 1 at the first difference:

- every safetensors file: loads; its bytes equal those that the safetensors package writes for the
  same tensors and metadata;
- base: Transformers loads it without missing or unexpected keys; its tensors equal the original's;
- adapters: PEFT loads each without complaint; same names and order, A, B and scaling equal those
  of the original's adapters, or of the checkpoint's blocks;
- gates: names, shapes, dtypes and bits equal the original's.
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
from transformers import LlamaForCausalLM
from transformers.utils import logging

logging.disable_progress_bar()

PREFIX = "base_model.model."


def fail(reason):
    sys.exit(f"check_written.py: {reason}")


def passed(what):
    print(f"ok  {what}")


def read(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def same_bits(a, b):
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    raw = lambda t: t.contiguous().reshape(-1).view(torch.uint8)
    return torch.equal(raw(a), raw(b))


def compare(what, written, original):
    """Two dictionaries of tensors, bit for bit."""
    for name in sorted(written.keys() | original.keys()):
        if name not in written:
            fail(f"{what}: tensor {name} is missing")
        if name not in original:
            fail(f"{what}: tensor {name} is not in the original")
        if not same_bits(written[name], original[name]):
            a, b = written[name], original[name]
            fail(f"{what}: {name} differs ({a.dtype} {list(a.shape)}, {b.dtype} {list(b.shape)})")
    passed(f"{what}: {len(written)} tensors equal")


def check_bytes(path, name):
    tensors, metadata = read(path)
    found, expected = path.read_bytes(), save(tensors, metadata)
    # The package writes several metadata entries in an order that changes from run to run.
    if metadata is not None and len(metadata) > 1:
        found, expected = without_metadata(found), without_metadata(expected)
    if found != expected:
        at = next((i for i, (a, b) in enumerate(zip(found, expected)) if a != b), len(expected))
        fail(f"{name}: byte {at} differs from what the safetensors package writes")
    passed(f"{name}: {len(tensors)} tensors, bytes as the package writes them")


def without_metadata(data):
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__")
    return json.dumps(header).encode() + data[8 + size :]


class Place:
    """Where base, adapters (in order), gates and checkpoint stand in a folder."""

    def __init__(self, folder):
        self.base, self.gates, self.checkpoint = folder, None, None
        if (folder / "meteora.json").exists():
            self.bundle = json.loads((folder / "meteora.json").read_text())
            self.base = folder / self.bundle["base"]
            self.adapters = {a["name"]: folder / a["path"] for a in self.bundle["adapters"]}
            self.gates = folder / self.bundle["gates"]
            for path in (self.base, self.gates, *self.adapters.values()):
                if not path.resolve().is_relative_to(folder.resolve()) and not path.is_symlink():
                    fail(f"{path} lies outside the bundle")
            return
        found = (f.parent for f in folder.glob("adapters/*/adapter_config.json"))
        self.adapters = {f.name: f for f in sorted(found, key=lambda f: f.name.encode())}
        if (folder / "gates.safetensors").exists():
            self.gates = folder / "gates.safetensors"
        self.checkpoint = next(folder.glob("*checkpoint.safetensors"), None)


def load_base(folder):
    model, report = LlamaForCausalLM.from_pretrained(
        folder, torch_dtype="auto", output_loading_info=True
    )
    if any(report.values()):
        fail(f"{folder}: Transformers reports {report}")
    return model


def load_adapter(base, folder):
    """A, B and scaling by module, as PEFT reads them (in binary32, which holds every dtype)."""
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        model = PeftModel.from_pretrained(load_base(base).float(), folder)
    for complaint in complaints:
        if "adapter" in str(complaint.message):
            fail(f"{folder}: PEFT warns: {complaint.message}")
    parts = {}
    for module, layer in model.base_model.model.named_modules():
        if isinstance(layer, LoraLayer):
            for matrix in ("lora_A", "lora_B"):
                weight = getattr(layer, matrix)["default"].weight
                parts[f"{PREFIX}{module}.{matrix}.weight"] = weight.detach().float()
            parts[module + ".scaling"] = torch.tensor(layer.scaling["default"], dtype=torch.float64)
    if not parts:
        fail(f"{folder}: PEFT finds no LoRA layer")
    return parts


def take_blocks(adapters, checkpoint):
    """Puts the checkpoint's A and B into adapters' dictionaries; blocks by running sum of ranks."""
    start = {}
    for parts in adapters.values():
        for name in parts:
            if ".lora_" in name:
                axis = 0 if "lora_A" in name else 1
                count, first = parts[name].shape[axis], start.get(name, 0)
                parts[name] = checkpoint[name].narrow(axis, first, count).float()
                start[name] = first + count


def check_base(written, original):
    ours, theirs = load_base(written.base), load_base(original.base)
    compare("base in Transformers", ours.state_dict(), theirs.state_dict())
    ids = torch.arange(1, 8)[None] % theirs.config.vocab_size
    with torch.no_grad():
        if not torch.equal(ours(ids).logits, theirs(ids).logits):
            fail("base: config.json gives other logits")
    passed("base in Transformers: equal logits")


def check_adapters(written, original):
    if list(written.adapters) != list(original.adapters):
        fail(f"adapters {list(written.adapters)}, expected {list(original.adapters)}")
    expected = {n: load_adapter(original.base, f) for n, f in original.adapters.items()}
    if original.checkpoint is not None:
        take_blocks(expected, read(original.checkpoint)[0])
    for name, folder in written.adapters.items():
        compare(f"adapter {name} in PEFT", load_adapter(written.base, folder), expected[name])
        if original.checkpoint is None:
            ours, theirs = (
                read(f / "adapter_model.safetensors")[0] for f in (folder, original.adapters[name])
            )
            compare(f"adapter {name}", ours, theirs)


def check_gates(written, original):
    expected, _ = read(original.gates or original.checkpoint)
    expected = {name: t for name, t in expected.items() if name.endswith(".moe_gate.weight")}
    compare("gates", read(written.gates)[0], expected)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: check_written.py WRITTEN ORIGINAL")
    written, original = Path(sys.argv[1]), Path(sys.argv[2])
    if written.is_file():
        check_bytes(written, written.name)
        return compare(written.name, read(written)[0], read(original)[0])
    for file in sorted(written.rglob("*.safetensors")):
        check_bytes(file, str(file.relative_to(written)))
    if (written / "adapter_config.json").exists():
        file = "adapter_model.safetensors"
        return compare("adapter", read(written / file)[0], read(original / file)[0])
    ours, theirs = Place(written), Place(original)
    check_base(ours, theirs)
    if ours.adapters or theirs.adapters:
        check_adapters(ours, theirs)
    if ours.gates is not None:
        check_gates(ours, theirs)


main()
