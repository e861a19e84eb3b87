"""Golden cases of the gradients of RMSNorm, SiLU * up, RoPE, and of cross-entropy.

(Imported by make_training.py.)
"""

import numpy as np

import contract
import functions
import rope
import training_layers
import training_losses
import training_sums
from cases_layers import LLAMA31
from cases_products import eighths, normal
from cases_training_products import sums_of, wrong_sums
from shortcuts import instead, wrong_dots

F32 = np.float32


def add_all(pack):
    _add_norms(pack)
    _add_silus(pack)
    _add_rotations(pack)
    _add_losses(pack)
    _add_unlabelled(pack)


def norm_gradient(x, weight, eps, dy, batches):
    dx, n = training_layers.rms_norm(x, weight, eps, dy)
    return {"dx": dx, "dweight": sums_of(batches, dy, n, np.zeros(len(weight), F32))}


def _add_norms(pack):
    def add(name, comment, x, weight, eps, dy, batches, flags, **checks):
        pack.add(name, "rms_norm_gradient", comment, {"x": x, "weight": weight, "dy": dy},
                 norm_gradient(x, weight, eps, dy, batches), {"eps": eps, "batches": batches},
                 flags, file="layers", **checks)

    rng = pack.rng("rms-exact")
    x = np.sign(eighths(rng, 9, 64) + F32(0.01)).astype(F32)
    weight, dy = eighths(rng, 64), eighths(rng, 9, 64)
    run = lambda: norm_gradient(x, weight, 3.0, dy, [9])
    add("rms-exact", "Mean square 1, eps 3: r is 1/2 exactly.", x, weight, 3.0, dy, [9], ["exact"],
        agrees={what: instead(dot, run) for what, dot in wrong_dots(64).items()})
    for width, batches, eps in [
        (1, [1], 1e-5), (7, [3], 1e-6), (33, [130], 1e-5), (129, [2, 1], 1e-5), (300, [3], 1e-6),
        (9, [60, 200], 1e-6),
    ]:  # fmt: skip
        name = f"rms-h{width}-rows{'-'.join(map(str, batches))}"
        rng, rows = pack.rng(name), sum(batches)
        x, dy = normal(rng, rows, width, scale=0.7), normal(rng, rows, width)
        weight = normal(rng, width, scale=0.3) + F32(1)
        run = lambda: norm_gradient(x, weight, eps, dy, batches)
        tries = {what: instead(dot, run) for what, dot in wrong_dots(max(width, rows)).items()}
        tries |= _wrong_norms(x, weight, eps, dy, batches)
        add(name, f"Width {width}, batches of {batches} rows.", x, weight, eps, dy, batches,
            ["ordered", "shapes"], tries=tries)
    x = F32([[0, -0.0, 0, 0], [1e-30, -1e-30, 0, 0], [1e3, 1, 0, -2], [1e-3, 2e-3, -1e-3, 0]])
    dy = F32([[1, -1, 2, 0], [1, 2, 3, 4], [0, 0, 0, 0], [-0.0, 1e-40, 1e30, 0]])
    add("rms-special", "Rows of zeros and of tiny values; gradients zero, subnormal, large.", x,
        F32([1, -1, 0.5, 0]), 1e-5, dy, [4], ["special"])


def _wrong_norms(x, weight, eps, dy, batches):
    width = F32(x.shape[1])
    r = (F32(1) / np.sqrt(contract.dot(x, x) / width + F32(eps)))[:, None]
    n, a = x * r, weight * dy
    q = (contract.dot(a, n) / width)[:, None]
    of_x = (contract.dot(a, x) / width)[:, None]
    wrong = {
        "r multiplied into both terms": {"dx": a * r - (n * q) * r},
        "r cubed, with x in place of n": {"dx": a * r - (x * of_x) * (r * r * r)},
        "1 / H as a factor": {
            "dx": (a - n * (contract.dot(a, n) * (F32(1) / width))[:, None]) * r},
        "fused": {"dx": contract.fma32(-n, q, a) * r},
        "w after the sum": {
            "dx": (weight * dy - n * (contract.dot(dy, weight * n) / width)[:, None]) * r},
        "w counted in dw": {"dweight": sums_of(batches, a, n, np.zeros(len(weight), F32))},
    }
    sums = wrong_sums(batches, dy, n)
    return wrong | {what: {"dweight": each.diagonal()} for what, each in sums.items()}


def _add_silus(pack):
    def add(name, comment, gate, up, dy, flags, **checks):
        dgate, dup = training_layers.silu_mul(gate, up, dy)
        pack.add(name, "silu_mul_gradient", comment, {"gate": gate, "up": up, "dy": dy},
                 {"dgate": dgate, "dup": dup}, flags=flags, file="layers", **checks)

    rng = pack.rng("silu-exact")
    add("silu-exact", "Gate 0: the slope is 1/2, the value 0.", np.zeros((3, 9), F32),
        eighths(rng, 3, 9), eighths(rng, 3, 9), ["exact"])
    for rows, width, scale in [(1, 1, 1), (3, 17, 1), (9, 33, 4)]:
        rng = pack.rng(f"silu-t{rows}-n{width}")
        gate, up, dy = (normal(rng, rows, width, scale=s) for s in (scale, 1, 1))
        add(f"silu-t{rows}-n{width}", f"Gates of size {scale}.", gate, up, dy, ["ordered"],
            tries=_wrong_silus(gate, up, dy))
    gate = F32([[0, -0.0, 1e-40, -1e-40, 20, -20, 88, -88, 89, -89, 104, -104, 1e30, -1e30]])
    rng = pack.rng("silu-special")
    add("silu-special", "Gates so large that exp overflows or vanishes.", gate,
        normal(rng, *gate.shape), normal(rng, *gate.shape), ["special"])


def _wrong_silus(gate, up, dy):
    one = F32(1)
    q = one + functions.exp(-gate)
    sigma, s, seen = one / q, gate / q, dy * up
    return {
        "s as g * sigma": {"dup": dy * (gate * sigma)},
        "sigma + s * (1 - sigma)": {"dgate": seen * (sigma + s * (one - sigma))},
        "s + sigma * (1 - s)": {"dgate": seen * (s + sigma * (one - s))},
        "u after the slope": {"dgate": (dy * (sigma * (one + gate * (one - sigma)))) * up},
        "1 - sigma as exp / q": {
            "dgate": seen * (sigma * (one + gate * (functions.exp(-gate) / q)))},
        "fused": {"dgate": seen * (sigma * contract.fma32(gate, one - sigma, one))},
    }


def _add_rotations(pack):
    for heads, d, theta, scaling, positions in [
        (1, 2, 10000.0, None, [0]), (2, 10, 10000.0, None, [0, 1, 2, 0, 1, 130]),
        (3, 16, 500000.0, LLAMA31, [0, 7, 8191, 100000]),
    ]:  # fmt: skip
        name = f"rope-h{heads}-d{d}"
        dy = normal(pack.rng(name), len(positions), heads, d)
        cos, sin = rope.tables(positions, rope.frequencies(d, theta, scaling))
        catches = {}
        if d > 2:
            half = d // 2
            first, second = dy[..., :half], dy[..., half:]
            c, s = cos[:, None], sin[:, None]
            catches = {
                "rotated forwards": rope.rotate(dy, cos, sin),
                "fused": np.concatenate([contract.fma32(first, c, second * s),
                                         contract.fma32(second, c, -first * s)], -1)}  # fmt: skip
        pack.add(name, "rope_gradient", f"{heads} heads of {d} elements, positions {positions}.",
                 {"dy": dy, "positions": np.array(positions)},
                 {"dx": training_layers.rotate(dy, cos, sin)},
                 {"head_dim": d, "rope_theta": theta, "rope_scaling": scaling}, ["ordered"],
                 file="layers", catches=catches)


def loss_of(logits, labels, count, beta, batches):
    """`labels` are -1 in rows without one."""
    scale = training_losses.language_scale(count)
    if beta is not None:
        scale = training_losses.gate_scale(beta, count)
    rows, dlogits = np.flatnonzero(labels >= 0), np.zeros_like(logits)
    losses, dlogits[rows] = training_losses.cross_entropy(logits[rows], labels[rows], scale)
    total, start, borders = F32(0), 0, np.searchsorted(rows, np.cumsum(batches))
    for end in borders:
        total, start = training_sums.add_values(total, losses[start:end]), end
    loss = np.array([training_losses.mean(total, count)])
    return {"losses": losses, "dlogits": dlogits, "loss": loss}


def _add_losses(pack):
    for tier, vocabulary, batches, count, beta in [
        ("exact", 4, [9], 16, None), ("exact", 8, [5, 3], 8, 4.0),
        ("ordered", 1, [2], 2, None), ("ordered", 3, [250, 200], 900, 50.0),
        ("ordered", 2, [190, 3, 300], 800, 0.7), ("ordered", 300, [3], 3, None),
        ("ordered", 129, [5], 7, None), ("ordered", 5, [7], 49, 0.3),
        ("ordered", 9, [140, 150], 290, None),
    ]:  # fmt: skip
        name = f"loss-{tier}-v{vocabulary}-rows{'-'.join(map(str, batches))}"
        rng, rows = pack.rng(name), sum(batches)
        logits = normal(rng, rows, vocabulary, scale=3.0)
        if tier == "exact":
            logits = np.repeat(eighths(rng, rows, 1), vocabulary, axis=1)
        labels = rng.integers(0, vocabulary, rows)
        if beta is not None:
            labels[rng.random(rows) < 0.3] = -1
        run = lambda: loss_of(logits, labels, count, beta, batches)
        others = {w: instead(dot, run) for w, dot in wrong_dots(vocabulary).items()
                  if w != "product rounded before the addition"}  # the factors are 1
        if tier == "exact":
            others = {what: {"dlogits": each["dlogits"]} for what, each in others.items()}
        else:
            others |= _wrong_losses(run(), logits, labels, count, beta, batches)
        kind = f"the gates' loss, beta {beta:g}" if beta else "the language model's loss"
        pack.add(name, "cross_entropy", f"{vocabulary} logits, batches of {batches} rows: {kind}.",
                 {"logits": logits, "labels": labels}, run(),
                 {"count": count, "batches": batches} | ({"beta": beta} if beta else {}),
                 [tier], file="losses", **{"agrees" if tier == "exact" else "tries": others})


def _wrong_losses(right, logits, labels, count, beta, batches):
    rows = np.flatnonzero(labels >= 0)
    z, y = logits[rows], labels[rows]
    at = np.arange(len(rows)), y
    n, m = F32(1) / F32(count), z.max(axis=1)
    scale = n if beta is None else F32(beta) * n
    e = functions.exp(z - m[:, None])
    d = contract.dot(e, np.ones(e.shape[1], F32))
    hot = np.zeros_like(z)
    hot[at] = F32(1)

    def placed(gradient):
        whole = np.zeros_like(logits)
        whole[rows] = gradient
        return {"dlogits": whole}

    losses = right["losses"]
    wrong = {
        "the scale multiplied into 1 / D": placed(e * (scale / d)[:, None] - hot * scale),
        "1 / D as a factor": placed((e * (F32(1) / d)[:, None] - hot) * scale),
        "divided by the count": placed(
            (e / d[:, None] - hot) / F32(count) * F32(1 if beta is None else beta)),
        "p and 1 scaled apart": placed(e / d[:, None] * scale - hot * scale),
        "the loss as -log p": {"losses": -functions.log(e[at] / d)},
        "m - z first": {"losses": (m - z[at]) + functions.log(d)},
        "log D - (z - m)": {"losses": functions.log(d) - (z[at] - m)},
        "every loss multiplied by 1 / N": {
            "loss": training_sums.add_values(F32(0), losses * n)[None]},
        "S multiplied by 1 / N": {"loss": (training_sums.add_values(F32(0), losses) * n)[None]},
    }
    if beta is not None and beta != 50:
        wrong["beta / M"] = placed((e / d[:, None] - hot) * (F32(beta) / F32(count)))
    whole = np.zeros(len(labels), F32)
    whole[rows] = losses
    spread = sum_of(whole, batches) / F32(count)
    if beta is not None:
        wrong["rows without a label counted in blocks"] = {"loss": spread[None]}
    if len(batches) > 1:
        wrong["blocks that go on from batch to batch"] = {
            "loss": (training_sums.add_values(F32(0), losses) / F32(count))[None]}
    return wrong


def sum_of(values, batches):
    total, start = F32(0), 0
    for rows in batches:
        total, start = training_sums.add_values(total, values[start : start + rows]), start + rows
    return total


def _add_unlabelled(pack):
    logits = F32([[1e30, -1e30, 3], [200, 100, 0], [-200, -100, -np.inf], [0, 0, 0], [88, 89, 90]])
    labels = np.array([1, 2, 0, -1, 0])
    outputs = loss_of(logits, labels, 4, None, [5])
    assert np.isfinite(outputs["loss"]).all()
    pack.add("loss-special", "cross_entropy",
             "Huge logits, one of -inf, probabilities that vanish; a row without a label is +0.",
             {"logits": logits, "labels": labels}, outputs, {"count": 4, "batches": [5]},
             ["special"], file="losses")
