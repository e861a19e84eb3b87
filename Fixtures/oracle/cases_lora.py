"""Golden cases of the routed adapters of one linear layer. (Imported by make_kernels.py.)"""

import math
from dataclasses import dataclass, field

import numpy as np

import contract
import lora_moe
import routing
from cases_products import eighths, normal
from shortcuts import instead, wrong_dots
from tensors import store

F32, F64 = np.float32, np.float64


@dataclass
class Layer:
    """The adapters of one module as they are stored."""

    a: dict  # index -> Stored [r, in]; an adapter without the module is missing here
    b: dict
    alpha: list
    rslora: list = field(default_factory=list)

    @property
    def pairs(self):
        return {i: (self.a[i].f32, self.b[i].f32) for i in self.a}

    @property
    def scalings(self):
        return {
            i: lora_moe.scaling(self.alpha[i], self.a[i].shape[0], self.rslora[i]) for i in self.a
        }

    @property
    def inputs(self):
        return {f"{m}.{i}": t[i] for m, t in (("A", self.a), ("B", self.b)) for i in sorted(t)}

    @property
    def parameters(self):
        return {"adapters": len(self.alpha), "lora_alpha": self.alpha, "use_rslora": self.rslora}

    def delta(self, x, selected, weights, out_features):
        return lora_moe.delta(x, selected, weights, self.pairs, self.scalings, out_features)


def make(values, rng, ranks, width, out, alpha, rslora=None, dtypes=("F32",)):
    """Adapter i has ranks[i] (None: it lacks the module) and dtypes[i mod number]."""
    a, b = {}, {}
    for i, rank in enumerate(ranks):
        if rank is not None:
            a[i] = store(values(rng, rank, width), dtypes[i % len(dtypes)])
            b[i] = store(values(rng, out, rank), dtypes[i % len(dtypes)])
    return Layer(a, b, alpha, rslora or [False] * len(ranks))


def add_all(pack):
    add_given_exact(pack)
    add_given_ordered(pack)
    add_corners(pack)
    add_gated(pack)


def add_given(pack, name, comment, layer, x, base, selected, weights, flags, **checks):
    delta = layer.delta(x, selected, weights, base.shape[1])
    inputs = {"x": x, "base": base, "selected": selected, "weights": weights, **layer.inputs}
    pack.add(name, "lora_moe", comment, inputs, {"delta": delta, "y": base + delta},
             layer.parameters, flags, **checks)


def add_given_exact(pack):
    for t, width, out, ranks, k, dtype in [
        (1, 1, 1, [1], 1, "F32"), (2, 7, 15, [4, 4, 4], 2, "BF16"),
        (7, 33, 17, [1, 2, 16], 1, "F16"),
        (9, 16, 33, [4, None, 1, 16], 2, "F32"), (33, 8, 7, [2, 2, 2], 3, "BF16"),
        (8, 15, 16, [2] * 28, 2, "F16"), (17, 9, 31, [1, 4, None], 3, "F32"),
        (2, 5, 3, [1] * 130, 129, "F16"),
    ]:  # fmt: skip
        name = f"lora-exact-t{t}-i{width}-o{out}-l{len(ranks)}-k{k}"
        rng = pack.rng(name)
        alpha = [2 * (r or 1) if i % 2 else (r or 1) for i, r in enumerate(ranks)]
        rslora = [i % 3 == 0 and math.isqrt(r or 1) ** 2 == (r or 1) for i, r in enumerate(ranks)]
        layer = make(eighths, rng, ranks, width, out, alpha, rslora, (dtype,))
        x, base = eighths(rng, t, width), eighths(rng, t, out)
        selected = routing.top_k(normal(rng, t, len(ranks)), k)
        weights = (rng.integers(0, 5, (t, k)) / 4).astype(F32)
        agrees = wrong(layer, x, base, selected, weights)
        add_given(pack, name, f"{len(ranks)} adapters, {k} a token; weights are quarters.", layer,
                  x, base, selected, weights, ["exact", "shapes"], agrees=agrees)


def add_given_ordered(pack):
    for t, width, out, ranks, k, dtypes in [
        (1, 16, 1, [1], 1, ["F32"]), (2, 17, 15, [4, 4, 4], 2, ["F32"]),
        (7, 33, 17, [1, 3, 64], 2, ["BF16"]), (8, 16, 31, [8, 8, 8], 3, ["F16"]),
        (9, 33, 16, [2] * 28, 2, ["BF16"]), (17, 32, 33, [3, 5, 2], 1, ["F32"]),
        (17, 15, 47, [2, 4, 1, 3, 2], 2, ["F16", "BF16", "F32"]), (2, 9, 15, [200, 2], 2, ["BF16"]),
        (8, 257, 8, [2, 3, 1], 2, ["F16"]), (8, 65, 65, [4, None, 4], 2, ["BF16"]),
        (2, 5, 3, [1] * 131, 131, ["F32"]), (33, 8, 32, [3, 1, 2, None], 4, ["F32"]),
        (3, 300, 1, [7], 1, ["BF16"]), (2, 16, 257, [2, 2], 2, ["BF16"]),
    ]:  # fmt: skip
        name = f"lora-t{t}-i{width}-o{out}-l{len(ranks)}-k{k}"
        rng = pack.rng(name)
        alpha = [[16, 8, 5.3, 32][i % 4] for i in range(len(ranks))]
        rslora = [i % 3 == 1 for i in range(len(ranks))]
        layer = make(normal, rng, ranks, width, out, alpha, rslora, dtypes)
        x, base = normal(rng, t, width), normal(rng, t, out)
        selected, weights = routing.route(normal(rng, t, len(ranks)), k, 1.0)
        tries = {}
        if t * out > 8:
            tries = wrong(layer, x, base, selected, weights)
            run = lambda: layer.delta(x, selected, weights, out)
            longest = max(width, *[r or 1 for r in ranks])
            tries |= {w: {"delta": instead(d, run)} for w, d in wrong_dots(longest).items()}
        add_given(pack, name, f"{len(ranks)} adapters of ranks {describe(ranks)}, {k} a token.",
                  layer, x, base, selected, weights, ["ordered", "shapes"], tries=tries)


def describe(ranks):
    if len(set(ranks)) == 1:
        return str(ranks[0])
    return ", ".join("-" if r is None else str(r) for r in ranks)


def add_corners(pack):
    rng = pack.rng("lora-corners")
    x, base = normal(rng, 6, 8), normal(rng, 6, 5)
    selected = np.array([[0, 2], [2, 0], [1, 0], [0, 1], [2, 1], [1, 2]])
    weights = routing.weights(normal(rng, 6, 4), selected, 1.0)

    layer = make(normal, rng, [2, 3, 2, 4], 8, 5, [4, 4, 4, 4])
    add_given(pack, "lora-nobody-chose", "Adapter 3 is chosen by no token.", layer, x, base,
              selected, weights, ["ordered"])
    for tensor in (layer.a[3].raw, layer.b[3].raw, layer.a[1].raw[:1]):
        tensor[:] = np.nan
    layer.b[2].raw[0] = np.inf
    add_given(pack, "lora-not-chosen-nan", "NaN and inf of adapters that a token did not choose.",
              layer, x, base, selected, weights, ["special"])

    layer = make(normal, rng, [None, 3, 2, None], 8, 5, [4, 4, 4, 4])
    selected = np.array([[0, 3], [3, 0], [1, 0], [0, 1], [2, 1], [3, 2]])
    base[0] = [0, -0.0, 1, -1, -0.0]
    right = layer.delta(x, selected, weights, 5)
    shared = lora_moe.delta(
        x, selected, np.where(np.isin(selected, [1, 2]), F32(1), F32(0)), layer.pairs,
        layer.scalings, 5)
    assert not np.array_equal(right, shared)
    add_given(pack, "lora-missing-module",
              "Adapters 0 and 3 lack the module: skipped, their weight lost; base -0 becomes +0.",
              layer, x, base, selected, weights, ["ordered", "special"],
              catches={"weights redistributed": {"delta": shared},
                       "token left alone": {"y": np.where(right == 0, base, base + right)}})

    layer = make(normal, rng, [2, 3, 2, 2], 8, 5, [4, 4, 4, 4])
    weights = np.array([[0, 1], [1, 0], [-0.0, 0.5], [1e-45, 1], [-1, 2], [np.nan, 1]], F32)
    selected = np.array([[0, 2], [2, 0], [1, 0], [0, 1], [2, 1], [1, 2]])
    layer.b[2].raw[1] = np.inf
    add_given(pack, "lora-odd-weights", "Weights 0 (0 * inf is NaN), subnormal, negative, NaN.",
              layer, x, base, selected, weights, ["special"])

    layer = make(normal, rng, [4, 4, 4], 8, 16, [5.3] * 3)
    base, picked = normal(rng, 6, 16), np.array([[0, 2], [2, 0], [1, 0], [0, 1], [2, 1], [1, 2]])
    weights = routing.weights(normal(rng, 6, 3), picked, 1.0)
    add_given(pack, "lora-equal-scaling", "All adapters share one scaling, applied to each.", layer,
              x, base, picked, weights, ["ordered"], catches={
                  what: result for what, result in wrong(layer, x, base, picked, weights).items()
                  if what.startswith("scaled")})

    layer = make(normal, rng, [6, 3, 7], 8, 16, [16, 7, 24], [True, False, True])
    base = normal(rng, 6, 16)
    narrow = {0: F32(16) / np.sqrt(F32(6)), 1: F32(7) / F32(3), 2: F32(24) / np.sqrt(F32(7))}
    weights = routing.weights(normal(rng, 6, 3), selected % 3, 1.0)
    plain = {i: lora_moe.scaling(layer.alpha[i], layer.a[i].shape[0], False) for i in range(3)}
    add_given(pack, "lora-rslora", "Adapters 0 and 2 are scaled by alpha / sqrt(r), adapter 1 by "
              "alpha / r.", layer, x, base, selected, weights, ["ordered"], catches={
                  "scaling in binary32": {"delta": lora_moe.delta(
                      x, selected, weights, layer.pairs, narrow, 16)},
                  "alpha / r": {"delta": lora_moe.delta(
                      x, selected, weights, layer.pairs, plain, 16)}})


def wrong(layer, x, base, selected, weights):
    """delta and y as they come out when a step is moved, merged or fused otherwise."""
    pairs, scalings, (t, out) = layer.pairs, layer.scalings, base.shape
    up = {}  # adapter -> dot(B, z) of every token
    z = {i: contract.products(x, a) for i, (a, _) in pairs.items()}
    for i, (_, b) in pairs.items():
        up[i] = contract.products(z[i], b)

    def chain(start, order, step):
        rows = []
        for token in range(t):
            row = start[token]
            chosen = [(int(i), weights[token, j]) for j, i in enumerate(selected[token])]
            for i, w in sorted(chosen) if order == "ascending" else chosen:
                if i in pairs:
                    row = step(row, i, w, token)
            rows.append(row)
        return np.array(rows, F32)

    fused = lambda row, i, w, n: contract.fma32(w * scalings[i], up[i][n], row)
    product = lambda i, vector: contract.products(vector[None], pairs[i][1])[0]
    zero = np.zeros_like(base)
    several = selected.shape[1] > 1
    deltas = {
        "c multiplied into z": chain(
            zero, "ascending", lambda row, i, w, n: row + product(i, (w * scalings[i]) * z[i][n])),
        "scaled before it is weighted": chain(
            zero, "ascending",
            lambda row, i, w, n: contract.fma32(w, scalings[i] * up[i][n], row)),
        "s merged into B": chain(
            zero, "ascending", lambda row, i, w, n: contract.fma32(
                w, contract.products(z[i][n][None], scalings[i] * pairs[i][1])[0], row)),
    }
    if several:
        deltas["summed in top-k order"] = chain(zero, "top-k", fused)
        deltas["c * dot rounded before the addition"] = chain(
            zero, "ascending", lambda row, i, w, n: row + (w * scalings[i]) * up[i][n])
        deltas["all ranks in one dot product"] = np.array([
            _stacked(pairs, scalings, z, selected[n], weights[n], n, out) for n in range(t)], F32)
        if len(set(scalings.values())) == 1:
            s = next(iter(scalings.values()))
            deltas["scaled after the sum"] = s * chain(
                zero, "ascending", lambda row, i, w, n: contract.fma32(w, up[i][n], row))
    results = {what: {"delta": d, "y": base + d} for what, d in deltas.items()}
    if several:
        results["every adapter added to y"] = {"y": chain(base, "ascending", fused)}
        results["every adapter's rounded term added to y"] = {"y": chain(
            base, "ascending", lambda row, i, w, n: row + (w * scalings[i]) * up[i][n])}
    else:
        results["the fma added to y"] = {"y": chain(base, "ascending", fused)}
    return results


def _stacked(pairs, scalings, z, selected, weights, token, out):
    chosen = sorted((int(i), w) for i, w in zip(selected, weights) if int(i) in pairs)
    if not chosen:
        return np.zeros(out, F32)
    inner = np.concatenate([(w * scalings[i]) * z[i][token] for i, w in chosen])
    b = np.concatenate([pairs[i][1] for i, _ in chosen], axis=1)
    return contract.products(inner[None], b)[0]


def add_gated(pack):
    for t, width, out, ranks, k, temperature, dtype in [
        (1, 16, 15, [4, 4, 4], 2, 1.0, "F32"), (9, 33, 17, [3, 1, 8, None, 2], 2, 15.0, "BF16"),
        (33, 16, 8, [2, 2, 2], 3, 0.5, "F32"), (8, 32, 16, [2] * 28, 2, 1.0, "F16"),
        (7, 130, 9, [4, 3], 1, 1.0, "BF16"), (2, 6, 7, [1] * 140, 133, 15.0, "F32"),
        (17, 47, 31, [4, 2, None], 3, 30.0, "BF16"),
    ]:  # fmt: skip
        name = f"gated-t{t}-i{width}-o{out}-l{len(ranks)}-k{k}-T{temperature:g}"
        rng, count = pack.rng(name), len(ranks)
        layer = make(normal, rng, ranks, width, out, [16] * count, None, (dtype,))
        gate = store(normal(rng, count, width), dtype)
        x, base = normal(rng, t, width), normal(rng, t, out)
        gate_logits = contract.products(x, gate.f32)
        selected, weights = routing.route(gate_logits, k, temperature)
        delta = layer.delta(x, selected, weights, out)
        outputs = {"gate_logits": gate_logits, "selected": selected, "weights": weights,
                   "delta": delta, "y": base + delta}
        p = contract.softmax(gate_logits / F32(temperature))
        all_weights = np.take_along_axis(p, selected, axis=1)
        tries = {}
        if k < count:
            tries["softmax over all"] = {"delta": layer.delta(x, selected, all_weights, out)}
        if k > 1:
            unweighted = np.full_like(weights, 1 / k)
            tries["equal weights"] = {"delta": layer.delta(x, selected, unweighted, out)}
        if temperature != 1:
            t1 = routing.weights(gate_logits, selected, 1.0)
            tries["T left out"] = {"delta": layer.delta(x, selected, t1, out)}
        add = {"x": x, "base": base, "gate": gate, **layer.inputs}
        pack.add(name, "lora_moe_gated",
                 f"{count} adapters of ranks {describe(ranks)}, {k} a token, T = {temperature:g}.",
                 add, outputs, {**layer.parameters, "top_k": k, "temperature": temperature},
                 ["ordered"], file="lora_moe", catches=tries)

    rng = pack.rng("gated-exact")
    layer = make(eighths, rng, [2, 4, 1, 2], 16, 9, [4, 4, 2, 2])
    x, base = eighths(rng, 9, 16), eighths(rng, 9, 9)
    gate = np.repeat(eighths(rng, 1, 16), 4, axis=0)
    for k, comment in [(1, "k = 1: weight 1"), (2, "All gates equal: 1/2 each"), (4, "1/4 each")]:
        gate_logits = contract.products(x, gate)
        selected, weights = routing.route(gate_logits, k, 1.0)
        delta = layer.delta(x, selected, weights, 9)
        pack.add(f"gated-exact-k{k}", "lora_moe_gated", f"{comment}; the lowest indices win.",
                 {"x": x, "base": base, "gate": gate, **layer.inputs},
                 {"gate_logits": gate_logits, "selected": selected, "weights": weights,
                  "delta": delta, "y": base + delta},
                 {**layer.parameters, "top_k": k, "temperature": 1.0}, ["exact", "tie"],
                 file="lora_moe", agrees=wrong(layer, x, base, selected, weights))
