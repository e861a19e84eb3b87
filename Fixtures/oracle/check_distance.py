"""Runs the NumPy executor over the cases of area "truth": is the contract as close as it promises?

    python check_distance.py [PREFIX]      (pip install -r requirements-numpy.txt)

Prints, for every model_distance case, the RMS error of the contract's binary32 logits against the
true ones, that of PyTorch's own binary32 and the ratio; then the same over all logits of a model.
Fails if a case exceeds its check, or if greedy tokens or the sets of selected adapters differ where
the true choice is clear; from a token on that takes other adapters where it may, nothing is
compared. NumPy only: the truth was made by other code (make_truth.py).
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


CLOSE = 1e-4


def alike(case, recorded):
    """How many tokens come before the first that takes other adapters."""
    outputs, modules = case["outputs"], case["parameters"].get("modules")
    if modules is None:
        return None
    selected = np.sort(tensor(outputs["selected"]), -1)
    chosen = np.sort(np.stack([recorded[f"{module}.selected"] for module in modules]), -1)
    differs = (selected != chosen).any(-1)  # [modules, tokens]
    if not differs.any():
        return differs.shape[1]
    token = int(differs.any(0).argmax())
    module = int(differs[:, token].argmax())
    gap = tensor(outputs["gap64"])[module, token]
    assert gap < CLOSE, f"{case['id']}: {modules[module]} differs at token {token}, clear by {gap}"
    return token


def check_distance(case):
    """(number of logits, squared error of the contract, of PyTorch, largest error)."""
    recorded, outputs = {}, case["outputs"]
    ids = tensor(case["inputs"]["ids"]).tolist()
    logits = open_model(case["parameters"]).forward(ids, record=recorded.__setitem__)
    tokens = alike(case, recorded)
    error = (logits.astype(np.float64) - tensor(outputs["logits64"]))[:tokens]
    if "gate_logits64" in outputs:
        modules = case["parameters"]["modules"]
        gates = np.stack([recorded[f"{module}.gate_logits"] for module in modules])
        distance = np.abs(gates - tensor(outputs["gate_logits64"]))[:, :tokens].max()
        assert distance < 1e-4, f"{case['id']}: gate logits are off by {distance}"
    theirs = tensor(outputs["reference_rms"]).item() ** 2
    return error.size, (error**2).mean(), theirs, np.abs(error).max()


def check_generation(case):
    parameters = case["parameters"]
    ids, limit = tensor(case["inputs"]["ids"]).tolist(), parameters["max_new_tokens"]
    new, reason, _ = generate(
        open_model(parameters), ids, limit, parameters["eos_token_id"],
        parameters["no_repeat_ngram_size"],
    )
    expected = tensor(case["outputs"]["new_ids"]).tolist()
    if (new, reason) == (expected, parameters["finish_reason"]):
        return
    step = next(i for i, pair in enumerate(zip(new, expected)) if pair[0] != pair[1])
    gap = tensor(case["outputs"]["gap64"])[step]
    assert gap < CLOSE, f"{case['id']}: {new}"
    print(f"{case['id']}: other tokens from step {step} on, where the lead is {gap}")


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
        count, ours, theirs, largest = check_distance(case)
        models.setdefault(case["parameters"]["model"], []).append((count, ours, theirs))
        row(case["id"], ours, theirs)
        limit = case["check"]
        if math.sqrt(ours / theirs) > limit["rms_ratio"] or largest > limit["max_abs"]:
            failed.append(case["id"])
    print()
    for model, squares in models.items():
        counts, ours, theirs = np.transpose(squares)
        row(model, np.average(ours, weights=counts), np.average(theirs, weights=counts))
    print(f"\n{generated} generations")
    sys.exit(f"above the bound: {failed}" if failed else 0)


def row(name, ours, theirs):
    ours, theirs = math.sqrt(ours), math.sqrt(theirs)
    print(f"{name:48} contract {ours:.2e}  PyTorch {theirs:.2e}  {ours / theirs:.2f}", flush=True)


main()
