"""Does `meteora bundle --merge` write what PEFT merges, and how far do merged outputs move?

    python check_merge.py METEORA      (requirements-torch-5x.txt; METEORA: the built tool)

For single adapters of the models under golden/models, the tool merges the adapter, once in binary32
and once in the base's type. Checked; exit 1 at the first failure:

- Transformers loads both folders without missing or unexpected keys, in the type that config.json
  names; every tensor that the adapter leaves alone has the base's bits;
- all other files are the base's byte for byte, config.json and the index but for type and size;
- the merged weights are as near to PEFT's merge_and_unload in binary64 as their arithmetic allows:
  (rank + 3) half units in the last place of |W| + |s| |B| |A|.

Printed, for each adapter. Weights: the largest distance from the true merged weight (PEFT in
binary64) of this package and of PEFT in binary32, in half units in the last place of
|W| + |s| |B| |A|; and how many are not the same number in both. Logits of one prompt of 24 tokens:
the distance between merged and separate weights in units in the last place of the logit (median,
99 %, largest; the largest are those of logits near 0), and the RMS distance from the true logits in
millionths of the logits' RMS: separate weights, merged in binary32, merged in the base's type.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from meteora_torch import ModelFolder, exact_logits, load_adapters, make_exact
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from manifest import GOLDEN

EXAMPLES = [
    ("hf4-single-bias-f32", "only"), ("hf5-single-linear-f32", "only"), ("mha-tied", "capitals"),
    ("plain-minimal", "solo"), ("bias-f16", "a2"), ("gqa-sharded", "rank8"),
    ("gqa-sharded", "rank3-rslora"), ("hf4-bundle-gqa-bf16", "rs"),
    ("hf5-bundle-llama3-bf16", "whole"), ("rope-parameters", "second"), ("hf5-wide-bf16", "one"),
]  # fmt: skip
U = 2.0**-24


def fail(reason):
    sys.exit(f"check_merge.py: {reason}")


def tool(*arguments):
    subprocess.run([sys.argv[1], *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def weights(folder):
    files = sorted(folder.glob("model*.safetensors"))
    return {name: tensor for file in files for name, tensor in load_file(file).items()}


def load(folder, expected):
    model, report = LlamaForCausalLM.from_pretrained(
        folder, dtype="auto", output_loading_info=True)
    if any(report.values()) or model.dtype != expected:
        fail(f"{folder}: Transformers loads {model.dtype}, expected {expected}; reports {report}")
    return model.eval()


def check_files(merged, base, widened):
    if {f.name for f in merged.iterdir()} - {f.name for f in base.iterdir()}:
        fail(f"{merged}: holds a file that the base has not")
    for file in merged.iterdir():
        if file.suffix == ".safetensors":
            continue
        if widened and file.name in ("config.json", "model.safetensors.index.json"):
            ours, theirs = json.loads(file.read_text()), json.loads((base / file.name).read_text())
            for content in (ours, theirs):
                content.pop("torch_dtype", content.pop("dtype", None))
                content.get("metadata", {}).pop("total_size", None)
            if ours != theirs:
                fail(f"{file}: differs in more than type and size")
        elif file.read_bytes() != (base / file.name).read_bytes():
            fail(f"{file}: differs from the base's")


def distance(a, b):
    """How many binary32 numbers apart."""
    def ordered(x):
        bits = np.ascontiguousarray(x).view(np.int32).astype(np.int64)
        return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)

    return np.abs(ordered(a) - ordered(b))


def check(model, adapter, temporary):
    folder = ModelFolder(GOLDEN / "models" / model)
    stored = weights(folder.base)
    name = next(n for n in stored if n.endswith("q_proj.weight"))
    dtype = stored[name].dtype
    parts = ["--base", folder.base, "--adapter", f"{adapter}={folder.adapters[adapter]}"]
    merged = {}
    for kind in ("f32", "base"):
        path = temporary / f"{model}-{adapter}-{kind}"
        tool("bundle", *parts, "--merge", adapter, "--merged-type", kind, "--output", path)
        expected = torch.float32 if kind == "f32" else dtype
        load(path, expected)
        check_files(path, folder.base, kind == "f32" and dtype != torch.float32)
        merged[kind] = path

    exact = load_adapters(folder, [adapter], torch.float64)
    changed = check_weights(folder, adapter, merged, stored, exact)
    logits_row(folder, adapter, merged, exact, temporary, changed)


def check_weights(folder, adapter, merged, stored, exact):
    layers = {n: m for n, m in exact.base_model.model.named_modules() if hasattr(m, "lora_A")}
    bounds, units = {}, {}
    for module, layer in layers.items():
        if adapter not in layer.lora_A:
            continue
        a, b = layer.lora_A[adapter].weight.abs(), layer.lora_B[adapter].weight.abs()
        size = layer.base_layer.weight.abs() + abs(layer.scaling[adapter]) * (b @ a)
        units[f"{module}.weight"] = U * size
        bounds[f"{module}.weight"] = (len(a) + 3) * U * size
    true = load_adapters(folder, [adapter], torch.float64).merge_and_unload().state_dict()
    theirs = load_adapters(folder, [adapter], torch.float32).merge_and_unload().state_dict()
    ours, narrow = weights(merged["f32"]), weights(merged["base"])
    if ours.keys() != stored.keys() or narrow.keys() != stored.keys():
        fail(f"{merged['f32']}: other tensors than the base's")
    worst, peft_worst, different, count = 0, 0, 0, 0
    for name, tensor in ours.items():
        if name not in bounds:
            for each in (tensor, narrow[name]):
                if each.dtype != stored[name].dtype or not torch.equal(each, stored[name]):
                    fail(f"{name} is not the adapter's and differs from the base's")
            continue
        error = (tensor.double() - true[name]).abs()
        if not (error <= bounds[name]).all():
            fail(f"{name}: {error.max()} from the true weight")
        if not torch.equal(tensor.to(stored[name].dtype), narrow[name]):
            fail(f"{name} in the base's type is not the rounded one in binary32")
        worst = max(worst, (error / units[name]).max().item())
        error = (theirs[name].double() - true[name]).abs()
        peft_worst = max(peft_worst, (error / units[name]).max().item())
        different += (tensor != theirs[name]).sum().item()
        count += tensor.numel()
    return f"{worst:5.2f} {peft_worst:5.2f} {different:6d} of {count:7d}"


def logits_row(folder, adapter, merged, exact, temporary, changed):
    model = make_exact(exact.base_model.model)
    ids = np.random.default_rng(1).integers(3, model.config.vocab_size, 24).tolist()
    prompt = ["--prompt-ids", ",".join(map(str, ids))]

    def trace(*where):
        path = temporary / "trace.safetensors"
        tool("trace", *where, *prompt, "--output", path)
        return load_file(path)["logits"].numpy()

    single = trace("--model", folder.base, "--adapter", f"{adapter}={folder.adapters[adapter]}")
    runs = [single, trace("--model", merged["f32"]), trace("--model", merged["base"])]
    true = exact_logits(model, torch.tensor(ids)).numpy()
    rms = lambda x: float(np.sqrt(np.mean(np.square(x))))
    errors = " ".join(f"{1e6 * rms(run - true) / rms(true):8.2f}" for run in runs)
    apart = distance(runs[0], runs[1])
    spread = " ".join(f"{round(float(np.quantile(apart, q))):7d}" for q in (0.5, 0.99, 1))
    name = f"{folder.path.name}/{adapter}"
    print(f"{name:32} {changed}   {spread}   {errors}", flush=True)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: check_merge.py METEORA")
    heading = ("weights: off the truth     different", "logits: apart, ulp",
               "off the truth, 1e-6")
    print(f"{'':32} {heading[0]}   {heading[1]:23}   {heading[2]}")
    print(f"{'':33}ours  PEFT {'':19}    median    99 %     max   separate   merged   in type")
    with tempfile.TemporaryDirectory() as temporary:
        for model, adapter in EXAMPLES:
            check(model, adapter, Path(temporary))


main()
