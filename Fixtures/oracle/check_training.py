"""Checks the training of the NumPy executor against PyTorch's autograd and optimisers in binary64.

    python check_training.py        (pip install -r requirements-torch-5x.txt)

For every whole-model case of area "training", and for LoRA dropout, two comparisons, of which the
largest relative Frobenius error of a tensor is printed:
- *formulas*: the executor's own code, run in binary64. They agree to about 1e-13, or the formulas
  are wrong. (The cosine's argument is binary32 by contract: weights agree to about 1e-7.)
- *bits*: the golden values, in binary32. Gradients are those of the first step, and beside their
  error stands the ratio to that of PyTorch's own binary32, the largest of a tensor and the average.
  Updates are ||dw - dw64|| / ||dw64|| after each listed step.
"""

import json

import meteora_torch  # before NumPy: it sets how MKL sums
import numpy as np
import torch

import lora_moe
import manifest
import routing
import tensors
import training_lora
import training_run
import wide
from training_torch import Training

FORMULAS, GRADIENTS, UPDATES = 1e-11, 5e-5, 1e-3
_files = {}


def stored(entry):
    if entry["file"] not in _files:
        _files[entry["file"]] = tensors.read(manifest.GOLDEN / entry["file"])
    return _files[entry["file"]][entry["tensor"]].raw


def error(actual, truth):
    return float(np.linalg.norm(actual - truth) / np.linalg.norm(truth))


def check_case(case):
    parameters = case["parameters"]
    values = {name: stored(entry) for name, entry in (case["inputs"] | case["outputs"]).items()}
    owners = values.get("owners", np.full(len(values["ids"]), -1))
    tokens = values["ids"], values["counts"], owners
    steps = training_run.cut(parameters["lengths"], *tokens)
    training = Training(parameters)
    before = {name: each.detach().numpy().copy() for name, each in training.named.items()}
    truth = [training.step(batches) for batches in steps]
    with wide.arithmetic():
        formulas = list(training_run.steps(parameters, *tokens))

    first, gap = truth[0], min(step.gap for step in truth)
    assert set(first.gradients) == set(formulas[0][0].gradients)
    of_formulas, of_weights = [], []
    for step, (result, norm, _, weights) in zip(truth, formulas):
        of_formulas += [error(result.gradients[n], g) for n, g in step.gradients.items()]
        of_formulas += [error(result.loss, step.loss), error(norm, step.norm)]
        of_weights += [error(weights[n], w) for n, w in step.weights.items()]
    exact = len(first.gradients) + 2  # those of the first step do not depend on a learning rate
    assert max(of_formulas[:exact]) < FORMULAS
    if parameters["schedule"] != "cosine":
        assert max(of_formulas + of_weights) < FORMULAS

    own = Training(parameters, torch.float32).step(steps[0])
    errors, ratios, losses, updates = [], [], [], []
    for name, gradient in first.gradients.items():
        errors.append(error(values[f"gradient.{name}"], gradient))
        ratios.append(errors[-1] / error(own.gradients[name], gradient))
    for name, of in [("language_losses", "language_loss"), ("gate_losses", "gate_loss"),
                     ("losses", "loss"), ("norms", "norm")]:  # fmt: skip
        if name in values:
            losses += [error(value, getattr(step, of)) for value, step in zip(values[name], truth)]
    for number, step in enumerate(truth, 1):
        for name, weight in step.weights.items():
            listed, change = values.get(f"step{number}.{name}"), weight - before[name]
            if listed is not None and np.any(change):
                updates.append(error(listed - before[name], change))
    print(f"{case['id']}: formulas {max(of_formulas):.0e}, weights {max(of_weights):.0e}; bits: "
          f"gradients {max(errors):.1e}, {max(ratios):.2f} x PyTorch's at most, "
          f"{np.mean(ratios):.2f} on average; losses and norms {max(losses):.1e}; "
          f"updates {max(updates):.1e}; least gap of a choice {gap:.1e}")
    assert max(errors) < GRADIENTS and max(losses + updates) < UPDATES


def check_dropout():
    """One routed layer with a mask per adapter, an adapter without the module, T = 3."""
    rng = np.random.default_rng(5)
    t, width, out, ranks, k = 11, 7, 9, [2, None, 3, 1], 3
    draw = lambda *shape: rng.standard_normal(shape)
    x, dy, weight, gate = draw(t, width), draw(t, out), draw(out, width), draw(4, width)
    loss = draw(t, 4)
    pairs = {i: (draw(r, width), draw(out, r)) for i, r in enumerate(ranks) if r}
    scalings = {i: lora_moe.scaling(5, ranks[i], False) for i in pairs}
    masks = {i: (rng.random((t, width)) > 0.3) / 0.7 for i in pairs}
    leaf = lambda value: torch.tensor(value, requires_grad=True)
    x64, gate64 = leaf(x), leaf(gate)
    pairs64 = {i: tuple(map(leaf, pair)) for i, pair in pairs.items()}
    logits = x64 @ gate64.T
    logits.retain_grad()
    values, selected = torch.topk(logits, k)
    weights = torch.softmax(values / 3, -1)
    y = x64 @ torch.tensor(weight).T
    for i, (a, b) in pairs64.items():
        c = (weights * (selected == i)).sum(-1, keepdim=True) * float(scalings[i])
        y = y + c * ((x64 * torch.tensor(masks[i])) @ a.T @ b.T)
    ((y * torch.tensor(dy)).sum() + (logits * torch.tensor(loss)).sum()).backward()

    with wide.arithmetic():
        chosen, w = routing.route(x @ gate.T, k, 3.0)
        delta, h, rows = training_lora.of_update(x, dy, chosen, w, pairs, scalings, masks)
        dg = training_lora.of_gate_logits(loss, chosen, w, h, 3.0)
        dx = training_lora.of_input(dy @ weight, delta, dg, gate)
    errors = [error(dx, x64.grad.numpy()), error(dg, logits.grad.numpy())]
    for i, (a, b) in pairs64.items():
        errors += [error(rows[i].cu.T @ rows[i].x, a.grad.numpy()),
                   error(rows[i].dy.T @ rows[i].cz, b.grad.numpy())]
    print(f"LoRA dropout: formulas {max(errors):.1e}")
    assert max(errors) < FORMULAS


def main():
    check_dropout()
    cases = json.loads((manifest.GOLDEN / "manifest.json").read_text())["cases"]
    for case in cases:
        if case["operation"] == "training_steps":
            check_case(case)


if __name__ == "__main__":
    main()
