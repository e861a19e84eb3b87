"""Runs the NumPy executor over the cases of area "truth": is the contract as close as it promises?

    python check_distance.py [PREFIX]      (pip install -r requirements-numpy.txt)

Prints, for every model_distance case, the RMS error of the contract's binary32 logits against the
true ones, that of PyTorch's own binary32 and the ratio; then the same over all cases of a model.
Fails if a case exceeds its check, or if greedy tokens or selected adapters differ. NumPy only: the
truth was made by other code (make_truth.py).
"""

import json
import math
import sys

import numpy as np

import manifest
import tensors
from generation import generate
from run_model import open_model

_files = {}


def tensor(entry):
    if entry["file"] not in _files:
        _files[entry["file"]] = tensors.read(manifest.GOLDEN / entry["file"])
    return _files[entry["file"]][entry["tensor"]].raw


def check_distance(case):
    """(squared error of the contract, of PyTorch, largest error); reports differing choices."""
    recorded, outputs = {}, case["outputs"]
    ids = tensor(case["inputs"]["ids"]).tolist()
    logits = open_model(case["parameters"]).forward(ids, record=recorded.__setitem__)
    error = logits.astype(np.float64) - tensor(outputs["logits64"])
    for name, entry in outputs.items():
        if name.endswith(".selected"):
            clear = tensor(outputs[name.replace("selected", "gap64")]) > 1e-4
            equal = np.sort(recorded[name]) == np.sort(tensor(entry))
            assert equal[clear].all(), f"{case['id']}: {name} differs"
        if name.endswith(".gate_logits64"):
            distance = np.abs(recorded[name[:-2]] - tensor(entry)).max()
            assert distance < 1e-4, f"{case['id']}: {name} is off by {distance}"
    return (error**2).mean(), tensor(outputs["reference_rms"]).item() ** 2, np.abs(error).max()


def check_generation(case):
    parameters = case["parameters"]
    ids, limit = tensor(case["inputs"]["ids"]).tolist(), parameters["max_new_tokens"]
    new, reason, _ = generate(
        open_model(parameters), ids, limit, parameters["eos_token_id"],
        parameters["no_repeat_ngram_size"],
    )
    expected = tensor(case["outputs"]["new_ids"]).tolist()
    assert (new, reason) == (expected, parameters["finish_reason"]), f"{case['id']}: {new}"


def main():
    prefix = "truth/" + (sys.argv[1] if len(sys.argv) > 1 else "")
    cases = json.loads((manifest.GOLDEN / "manifest.json").read_text())["cases"]
    models, generated, failed = {}, 0, []
    for case in cases:
        if not case["id"].startswith(prefix):
            continue
        if case["operation"] == "generate_distance":
            check_generation(case)
            generated += 1
            continue
        ours, theirs, largest = check_distance(case)
        models.setdefault(case["parameters"]["model"], []).append((ours, theirs))
        row(case["id"], ours, theirs)
        limit = case["check"]
        if math.sqrt(ours / theirs) > limit["rms_ratio"] or largest > limit["max_abs"]:
            failed.append(case["id"])
    print()
    for model, squares in models.items():
        row(model, *np.mean(squares, axis=0))
    print(f"\n{generated} generations equal")
    sys.exit(f"above the bound: {failed}" if failed else 0)


def row(name, ours, theirs):
    ours, theirs = math.sqrt(ours), math.sqrt(theirs)
    print(f"{name:48} contract {ours:.2e}  PyTorch {theirs:.2e}  {ours / theirs:.2f}", flush=True)


main()
