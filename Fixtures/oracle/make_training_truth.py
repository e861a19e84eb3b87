"""Golden area "training-truth": what PyTorch in binary64 says about gradients and updates.

    python make_training_truth.py        (pip install -r requirements-torch-5x.txt)
    python make_training_truth.py 04 17  only cases whose names begin so (the others stay)

Every case of training_specs.py has a tiny model of its own, drawn tokens, and one file with

gradient.{name}   the gradients of the first step before clipping, binary64
step{n}.{name}    of some cases the values after n = 1, 3 and 10 steps of AdamW, binary64

and, in ascending order of the names, the relative errors ‖x32 − x64‖ / ‖x64‖ of PyTorch's own
binary32, unmodified Transformers and PEFT: of the gradients, of the changes of values, and the mean
and the largest of the gradients' over many orders of the same units, ids, adapters and sequences
(training_orders.py). The error of a single order says little: it is a draw of a random number.

Models and tokens are drawn again until every choice of adapters in every step is clearer than
CLOSE, and the changes of values in all those orders nearer to the truth than STEADY: AdamW hardly
looks at the size of a gradient, so one that is almost 0 moves a value by chance.
The errors of binary32 belong to the CPU that ran this (AVX-512, one thread).
"""

import hashlib
import shutil
import sys
import zlib

import numpy as np
import peft
import torch
import transformers
from safetensors.torch import save_file

import manifest
import tensors
from meteora_torch import ModelFolder
from model_writer import (
    base_weights, config_4x, gate_weights, modules_of, write_adapter, write_base,
    write_bundle_file,
)  # fmt: skip
from training_orders import Order
from training_specs import CASES
from training_truth import Optimiser, Training, padded

AREA = "training-truth"
CLOSE = 1e-3  # of two gate logits, in binary64
STEADY = 1e-4  # a relative error
SIZES = {"hidden_size": 16, "intermediate_size": 24, "vocab_size": 40, "num_hidden_layers": 2}
# Of a case that makes one step, whose values are not kept.
SETTINGS = {
    "learning_rate": 0.01, "schedule": "cosine", "warmup_ratio": 0.0, "total_steps": 1,
    "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0, "max_norm": 1.0,
}  # fmt: skip
RECORDED = (1, 3, 10)  # steps
ORDERS = 32
CHECK = {"gradient_ratio": 1.5, "update_error": 1e-3}
DTYPES = {torch.int64: "I64", torch.float64: "F64"}
FLAGS = {
    "truth": "Made in binary64 by PyTorch, Transformers and PEFT; bounds a distance, not bits.",
}


def main():
    torch.set_num_threads(1)
    prefixes = tuple(sys.argv[1:]) or ("",)
    if not sys.argv[1:]:
        shutil.rmtree(manifest.GOLDEN / AREA, ignore_errors=True)
        manifest.update(AREA, [], {})
    for name, case in CASES.items():
        if name.startswith(prefixes):
            make(name, case)
    total = sum(f.stat().st_size for f in (manifest.GOLDEN / AREA).rglob("*") if f.is_file())
    print(f"{AREA}: {total} bytes")


def make(name, case):
    for attempt in range(500):
        folder = write_model(name, case, attempt)
        parameters = parameters_of(name, case)
        inputs = draw_tokens(name, case, attempt, parameters["lengths"])
        steps = cut(parameters["lengths"], inputs)
        runs = lambda *how: Run(folder, parameters, steps, *how)
        truth = runs(torch.float64)
        if truth.gap < CLOSE:
            continue
        own = [runs(torch.float32)]
        own += [runs(torch.float32, Order(folder, seed)) for seed in range(ORDERS)]
        if max(run.update_errors(truth).max() for run in own) < STEADY:
            break
    else:
        sys.exit(f"{name}: no model will do")
    check_slope(folder, parameters, steps[0], truth)
    assert all(map(torch.equal, truth.selected, own[0].selected)), name
    write_case(name, parameters, [zlib.crc32(name.encode()), attempt], inputs, truth, own)


# The model and its tokens


def write_model(name, case, attempt):
    folder, seed = manifest.GOLDEN / AREA / name, f"{AREA}/{name}/{attempt}"
    shutil.rmtree(folder, ignore_errors=True)
    config = config_4x(**SIZES | case["config"])
    if config["rope_scaling"] or config["mlp_bias"]:
        config["transformers_version"] = "4.46.0"  # earlier ones have no such Llama
    routed = case["trained"].startswith("gates")
    weights = base_weights(config, "F32", seed)
    write_base(folder / "base" if routed else folder, config, weights)
    adapters = case["adapters"] or {"count": 0}
    names, written = [f"a{index}" for index in range(adapters["count"])], []
    for index, adapter in enumerate(names):
        rank = adapters["ranks"][index % len(adapters["ranks"])]
        changes = {"r": rank, "lora_alpha": 2 * rank, **adapters["changes"].get(adapter, {})}
        place = folder / "adapters" / adapter
        written.append(write_adapter(place, config, "F32", f"{seed}/{adapter}", **changes))
    if routed:
        having = set().union(*map(modules_of, written))
        gates = gate_weights(config, len(names), having, "F32", seed)
        tensors.write(folder / "gates.safetensors", gates, {"format": "pt"})
        write_bundle_file(folder, names, case["top_k"], case["temperature"])
    return ModelFolder(folder)


def parameters_of(name, case):
    """As those of area "training"; `lengths` are of every step's batches' sequences."""
    place, settings = f"{AREA}/{name}", SETTINGS | (case["steps"] or {})
    count, batches = max(RECORDED) if case["steps"] else 1, settings.pop("batches", 1)
    turned = lambda by: case["lengths"][by % len(case["lengths"]) :] + case["lengths"][
        : by % len(case["lengths"])
    ]
    lengths = [[turned(step + batch) for batch in range(batches)] for step in range(count)]
    parameters = {"model": place, "mode": "plain", "trained": case["trained"]}
    if case["trained"] == "adapter":
        beside = [{"name": "a0", "path": f"{place}/adapters/a0"}]
        parameters |= {"mode": "single", "adapters": beside, "adapter": "a0"}
    elif case["trained"] != "base":
        parameters |= {"mode": "routed"} | {
            key: case[key] for key in ("top_k", "temperature", "beta")
        }
    return parameters | settings | {"lengths": lengths}


def draw_tokens(name, case, attempt, lengths):
    """Of all sequences in turn: ids; counts, 1 for a token to be predicted; owners, −1: unknown."""
    rng = np.random.Generator(np.random.PCG64([zlib.crc32(name.encode()), attempt]))
    ids, counts, owners = [], [], []
    for length in (length for step in lengths for batch in step for length in batch):
        ids.append(rng.integers(0, SIZES["vocab_size"], length))
        counts.append(np.arange(length) >= (length // 2 if case["response"] else 0))
        owners.append(draw_owners(rng, case, length))
    drawn = {"ids": ids, "counts": counts, "owners": owners}
    if not case["trained"].startswith("gates"):
        del drawn["owners"]
    return {key: torch.tensor(np.concatenate(values).astype(int)) for key, values in drawn.items()}


def draw_owners(rng, case, length):
    count = (case["adapters"] or {"count": 1})["count"]
    if case["owners"] == "task":
        return np.full(length, rng.integers(0, count))
    return rng.integers(-1, count, -(-length // 3)).repeat(3)[:length]


def cut(lengths, inputs):
    """The batches of every step."""
    ids, counts = inputs["ids"], inputs["counts"]
    owners, first, steps = inputs.get("owners", torch.full_like(ids, -1)), 0, []
    for step in lengths:
        steps.append([])
        for batch in step:
            end = first + sum(batch)
            parts = [each[first:end].split(batch) for each in (ids, counts, owners)]
            steps[-1].append(padded(*parts))
            first = end
    return steps


# What PyTorch says


class Run:
    """All steps: losses [S, 3], norms [S, 2], rates [S]; what is recorded of values, by step."""

    def __init__(self, folder, parameters, steps, dtype, order=None):
        training = Training(folder, parameters, dtype)
        if order:
            order.apply(training)
            steps = [[order.batch(batch) for batch in batches] for batches in steps]
        told = order.undone if order else dict
        optimiser = Optimiser(training, parameters)
        self.start, self.values = told(training.values()), {}
        self.gap, self.selected = torch.inf, []
        losses, norms, rates = [], [], []
        for number, batches in enumerate(steps, 1):
            *numbers, gradients = optimiser.step(batches)
            for values, value in zip((losses, norms, rates), numbers):
                values.append(value)
            self.gap = min(self.gap, training.gap)
            self.selected += training.selected
            if number == 1:
                self.gradients = told(gradients)
            if number in RECORDED and len(steps) > 1:
                self.values[number] = told(training.values())
        self.losses, self.norms = torch.stack(losses), torch.stack(norms)
        self.rates = torch.tensor(rates, dtype=torch.float64)

    def gradient_errors(self, truth):
        return relative_errors(self.gradients, truth.gradients)

    def update_errors(self, truth):
        """[recorded steps, tensors]; zeros [1] if no step is recorded."""
        errors = [relative_errors(self.changes(n), truth.changes(n)) for n in self.values]
        return torch.stack(errors) if errors else torch.zeros(1, dtype=torch.float64)

    def changes(self, number):
        return {
            name: value.double() - self.start[name].double()
            for name, value in self.values[number].items()
        }


def check_slope(folder, parameters, batches, truth):
    """The binary64 gradients against the loss a little to both sides, along a drawn direction."""
    rng, reach, losses = np.random.default_rng(1), 1e-6, []
    direction = {
        name: torch.tensor(rng.standard_normal(value.shape))
        for name, value in truth.start.items()
    }
    for sign in (1, -1):
        training = Training(folder, parameters, torch.float64)
        with torch.no_grad():
            for name, tensor in training.trained.items():
                tensor += sign * reach * direction[name]
        losses.append(training.accumulate(batches)[2])
    slope = float((losses[0] - losses[1]) / (2 * reach))
    expected = sum(float((truth.gradients[name] * direction[name]).sum()) for name in direction)
    assert abs(slope - expected) < 1e-6 * (1 + abs(expected)), (slope, expected)


def relative_errors(actual, expected):
    """[tensors], in the order of `expected`: ‖actual − expected‖ / ‖expected‖; 0 if both are 0."""
    errors = []
    for name, true in expected.items():
        difference, size = (actual[name].double() - true).norm(), true.norm()
        assert size > 0 or difference == 0, name
        errors.append(difference / size if size > 0 else size)
    return torch.stack(errors)


# The case


def write_case(name, parameters, seed, inputs, truth, own):
    errors = torch.stack([run.gradient_errors(truth) for run in own])
    assert errors.max() < STEADY, name
    outputs = {
        "language_losses64": truth.losses[:, 0], "norms64": truth.norms[:, 0],
        "clipped_norms64": truth.norms[:, 1], "learning_rates64": truth.rates,
        "gradient_error32": errors[0], "gradient_error32_mean": errors.mean(0),
        "gradient_error32_max": errors.max(0).values,
    }
    if parameters["mode"] == "routed":
        outputs |= {"gate_losses64": truth.losses[:, 1], "losses64": truth.losses[:, 2]}
    content = {f"gradient.{each}": value for each, value in truth.gradients.items()}
    for number, values in truth.values.items():
        content |= {f"step{number}.{each}": value for each, value in values.items()}
    if truth.values:
        outputs["update_error32"] = own[0].update_errors(truth)
    file = f"{AREA}/{name}.safetensors"
    path = manifest.GOLDEN / file
    content |= inputs | outputs
    save_file({key: value.contiguous().clone() for key, value in content.items()}, path)
    path.chmod(0o644)
    count, made = len(truth.start), len(truth.losses)
    comment = f"Gradients of {count} tensors" + (
        f", and their values after up to {made} steps of AdamW." if truth.values else "."
    )
    case = {
        "id": f"{AREA}/{name}/steps", "comment": comment, "operation": "training_steps",
        "parameters": parameters, "flags": ["truth"], "result": "valid", "check": CHECK,
        "origin": "oracle",
        "source": {
            "script": "make_training_truth.py", "torch": torch.__version__,
            "transformers": transformers.__version__, "peft": peft.__version__, "seed": seed,
        },
        "inputs": entries(file, inputs),
        "outputs": {"tensors": {"file": file}} | entries(file, outputs),
        "sha256": {file: hashlib.sha256(path.read_bytes()).hexdigest()},
    }  # fmt: skip
    manifest.update(f"{AREA}/{name}", [case], FLAGS)
    report(case, truth, own[0], outputs, path)


def entries(file, values):
    return {
        name: {
            "file": file, "tensor": name, "dtype": DTYPES[value.dtype], "shape": list(value.shape),
        }
        for name, value in values.items()
    }  # fmt: skip


def report(case, truth, own, outputs, path):
    scalars = [
        float(((actual - true).abs() / true.abs().clamp(min=1e-300)).max())
        for actual, true in ((own.losses, truth.losses), (own.norms, truth.norms))
    ]
    errors = [outputs["gradient_error32"], *outputs.get("update_error32", ())]
    told = [f"{float(each.mean()):.1e} (at most {float(each.max()):.1e})" for each in errors]
    print(
        f"{case['id']}: drawn {case['source']['seed'][1] + 1} times, least gap {truth.gap:.1e}, "
        f"{len(truth.start)} tensors, norm {float(truth.norms[0, 0]):.1f}, {path.stat().st_size} "
        f"bytes; errors of binary32: losses {scalars[0]:.1e}, norms {scalars[1]:.1e}, gradients "
        f"and changes {', '.join(told)}", flush=True,
    )  # fmt: skip


main()
