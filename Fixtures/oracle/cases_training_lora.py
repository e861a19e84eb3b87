"""Golden cases of the gradients of routed adapters. (Imported by make_training.py.)"""

import numpy as np

import contract
import routing
import training_layers
import training_lora
import training_sums
from cases_lora import describe, make
from cases_products import normal
from cases_training_products import wrong_sums
from shortcuts import instead, wrong_dots
from tensors import store

F32 = np.float32

# in, out, ranks (None: the adapter lacks the module), k, T, rows of each batch, dtype of W, p
ORDERED = [
    (1, 1, [1], 1, 1.0, [1], "F32", 0),
    (17, 15, [4, 4, 4], 2, 2.0, [9], "F32", 0),
    (33, 9, [1, 3, 8, None, 2], 2, 15.0, [17], "BF16", 0),
    (7, 5, [3, 130], 1, 1.0, [3, 2], "F32", 0),
    (9, 33, [2, 1, 5, 3], 3, 0.7, [20, 7], "F16", 0),
    (5, 6, [2, 1, 3], 2, 3.0, [150, 260], "F32", 0),
    (4, 130, [2, None, 3], 3, 1.0, [5], "F32", 0),
    (8, 7, [1, 2, 2], 2, 30.0, [200], "BF16", 0.1),
    (16, 12, [3, 2, None, 4], 3, 2.5, [8, 3], "F32", 0.3),
    (130, 3, [1, 2, 3], 3, 1.0, [4], "F32", 0),
]  # fmt: skip


class Layer:
    """The inputs of one case; `weights` and `selected` are those of the forward pass."""

    def __init__(self, rng, width, out, ranks, k, temperature, batches, dtype, dropout, values):
        self.rows, self.batches, self.temperature = sum(batches), batches, temperature
        alpha = [[16, 8, 5.3, 32][i % 4] for i in range(len(ranks))]
        rslora = [i % 3 == 1 for i in range(len(ranks))]
        self.bank = make(values, rng, ranks, width, out, alpha, rslora)
        self.x, self.dy = values(rng, self.rows, width), values(rng, self.rows, out)
        self.weight = store(values(rng, out, width), dtype)
        self.gate = values(rng, len(ranks), width)
        self.selected, self.weights = routing.route(
            contract.products(self.x, self.gate), k, temperature)
        self.loss = values(rng, self.rows, len(ranks))
        self.loss[rng.random(self.rows) < 0.3] = 0  # rows that have no gate label
        self.masks = None
        if dropout:
            kept = F32(1) / (F32(1) - F32(dropout))
            draw = lambda: (rng.random((self.rows, width)) >= dropout) * kept
            self.masks = {i: draw().astype(F32) for i in sorted(self.bank.a)}

    @property
    def inputs(self):
        inputs = {"x": self.x, "dy": self.dy, "weight": self.weight, "selected": self.selected,
                  "weights": self.weights, **self.bank.inputs}  # fmt: skip
        if self.gate is not None:
            inputs |= {"gate": self.gate, "loss_dg": self.loss}
        return inputs | {f"mask.{i}": mask for i, mask in (self.masks or {}).items()}

    @property
    def parameters(self):
        routed = {} if self.gate is None else {"temperature": self.temperature}
        return {**self.bank.parameters, **routed, "batches": self.batches}

    def parts(self):
        """base, delta, h, rows by adapter, dg."""
        base = training_layers.linear_input(self.dy, self.weight.f32)
        delta, h, rows = training_lora.of_update(
            self.x, self.dy, self.selected, self.weights, self.bank.pairs, self.bank.scalings,
            self.masks)
        dg = None if self.gate is None else training_lora.of_gate_logits(
            self.loss, self.selected, self.weights, h, self.temperature)
        return base, delta, h, rows, dg

    def batches_of(self, i):
        """How many rows of each batch selected adapter i."""
        taken = (self.selected == i).any(axis=1)
        return [int(part.sum()) for part in np.split(taken, np.cumsum(self.batches)[:-1])]

    def gradients(self):
        base, delta, _, rows, dg = self.parts()
        outputs = {"dx": training_lora.of_input(base, delta, dg, self.gate)}
        if self.gate is not None:
            outputs |= {"dg": dg, "dgate": self.sums(self.batches, dg, self.x)}
        for i, each in rows.items():
            batches = self.batches_of(i)
            outputs[f"dA.{i}"] = self.sums(batches, each.cu, each.x)
            outputs[f"dB.{i}"] = self.sums(batches, each.dy, each.cz)
        return outputs

    @staticmethod
    def sums(batches, a, b):
        total, start = np.zeros((a.shape[1], b.shape[1]), F32), 0
        for count in batches:
            rows = slice(start, start + count)
            total, start = training_sums.add_outer(total, a[rows], b[rows]), rows.stop
        assert start == len(a)
        return total


def add_all(pack):
    for width, out, ranks, k, temperature, batches, dtype, dropout in ORDERED:
        name = (f"lora-i{width}-o{out}-l{len(ranks)}-k{k}-T{temperature:g}"
                f"-rows{'-'.join(map(str, batches))}" + f"-p{dropout}" * bool(dropout))
        rng = pack.rng(name)
        layer = Layer(rng, width, out, ranks, k, temperature, batches, dtype, dropout, normal)
        longest = max(width, out, *[r or 1 for r in ranks])
        tries = {w: instead(d, layer.gradients) for w, d in wrong_dots(longest).items()}
        comment = f"Ranks {describe(ranks)}, {k} a row, T = {temperature:g}"
        comment += f", dropout {dropout}." if dropout else "."
        _add(pack, name, comment, layer, ["ordered"], tries=tries | _wrong(layer))
    _add_exact(pack)
    _add_corners(pack)


def _add(pack, name, comment, layer, flags, **checks):
    pack.add(name, "lora_moe_gradient", comment, layer.inputs, layer.gradients(),
             layer.parameters, flags, file="lora_moe", **checks)


def _add_exact(pack):
    halves = lambda rng, *shape: (rng.integers(-2, 3, shape) / 2).astype(F32)
    for ranks, k, temperature, batches in [([2, 4, 1], 1, 1.0, [9]), ([2, None, 4], 2, 2.0, [5, 4]),
                                           ([1, 2, 4, 2], 3, 0.5, [140])]:  # fmt: skip
        name = f"lora-exact-l{len(ranks)}-k{k}-rows{'-'.join(map(str, batches))}"
        rng = pack.rng(name)
        layer = Layer(rng, 9, 7, ranks, k, temperature, batches, "F32", 0, halves)
        layer.bank.alpha[:] = [2 * (r or 1) for r in ranks]
        layer.bank.rslora[:] = [False] * len(ranks)
        layer.weights = (rng.integers(0, 3, layer.selected.shape) / 2).astype(F32)
        agrees = {what: instead(dot, layer.gradients) for what, dot in wrong_dots(140).items()}
        agrees |= {what: each for what, each in _wrong(layer).items() if what in REORDERINGS}
        _add(pack, name, "Weights are halves, scalings 2; the gates were not asked.", layer,
             ["exact"], agrees=agrees)


def _add_corners(pack):
    rng = pack.rng("lora-nobody-chose")
    layer = Layer(rng, 6, 5, [2, 3, 4], 2, 2.0, [8], "F32", 0, normal)
    layer.selected = np.array([[0, 1], [1, 0]] * 4)
    layer.bank.a[2].raw[:] = np.nan
    outputs = layer.gradients()
    assert not np.any(outputs["dA.2"]) and np.isfinite(outputs["dx"]).all()
    _add(pack, "lora-nobody-chose", "No row selects adapter 2, whose A is NaN: +0 throughout.",
         layer, ["special"])

    rng = pack.rng("lora-lacking")
    layer = Layer(rng, 6, 5, [None, 3, 2, None], 2, 2.0, [6], "F32", 0, normal)
    layer.selected = np.array([[0, 3], [3, 0], [1, 0], [0, 1], [2, 1], [3, 2]])
    layer.weights = routing.weights(normal(rng, 6, 4), layer.selected, 2.0)
    right = layer.gradients()
    skipped = {"dg": layer.loss.copy()}
    h = layer.parts()[2]
    ascending = np.argsort(layer.selected, axis=1)
    take = lambda each: np.take_along_axis(each, ascending, axis=1)
    e = contract.dot(take(layer.weights), take(h))[:, None]
    at, has = (np.arange(6)[:, None], layer.selected), np.isin(layer.selected, [1, 2])
    skipped["dg"][at] += np.where(has, (layer.weights * (h - e)) / F32(2), F32(0))
    assert not np.array_equal(skipped["dg"], right["dg"])
    _add(pack, "lora-lacking", "Adapters 0 and 3 lack the module: h is +0, but their gates learn.",
         layer, ["ordered"], catches={"gates of adapters that lack the module": skipped})

    rng = pack.rng("lora-top1-gates")
    layer = Layer(rng, 6, 5, [2, 3, 4], 1, 2.0, [8], "F32", 0, normal)
    dg = layer.loss.copy()
    _, _, h, _, _ = layer.parts()
    at = np.arange(8)[:, None], layer.selected
    dg[at] = dg[at] + (layer.weights * h) / F32(2)
    _add(pack, "lora-top1-gates", "One adapter a row: dg is that of the gate loss alone.", layer,
         ["ordered"], catches={"the weight's gradient at k = 1": {"dg": dg}})

    for dropout in (0, 0.1):
        name = "lora-single" + ("-dropout" if dropout else "")
        rng = pack.rng(name)
        layer = Layer(rng, 9, 11, [3], 1, 1.0, [130, 7], "BF16", dropout, normal)
        layer.gate = None
        _add(pack, name, "One adapter alone: no gate, w = 1" + ", dropout." * bool(dropout), layer,
             ["ordered"], tries=_wrong(layer))


REORDERINGS = ["base + delta in one chain", "the gate's term before the adapters", "s on z",
               "e in top-k order", "w * h - w * e", "1 / T as a factor", "c on x in dA",
               "c on dy in dB", "c * dot rounded before the addition",
               "rows that did not select i as zeros"]  # fmt: skip


def _wrong(layer):
    """What comes out when a step is moved, merged, left out or fused otherwise."""
    base, delta, h, rows, dg = layer.parts()
    pairs, scalings, selected, w = (
        layer.bank.pairs, layer.bank.scalings, layer.selected, layer.weights)
    at = lambda i: np.nonzero(selected == i)
    masked = lambda i, values: values if layer.masks is None else values * layer.masks[i][at(i)[0]]

    def chain(start, step):
        result = start.copy()
        for i in sorted(pairs):
            tokens, slots = at(i)
            c = (w[tokens, slots] * scalings[i])[:, None]
            u = contract.products(layer.dy[tokens], pairs[i][1].T)
            result[tokens] = step(c, masked(i, contract.products(u, pairs[i][0].T)), result[tokens])
        return result

    gate_term = None if layer.gate is None else contract.products(dg, layer.gate.T)
    end = lambda dx: dx if gate_term is None else dx + gate_term
    unfused = chain(np.zeros_like(delta), lambda c, down, sum: sum + c * down)
    wrong = {
        "base + delta in one chain": {"dx": end(chain(base, contract.fma32))},
        "c * dot rounded before the addition": {"dx": end(base + unfused)},
        "c on x in dA": {}, "c on dy in dB": {},
    }  # fmt: skip
    if gate_term is not None:
        wrong["the gate's term before the adapters"] = {"dx": (base + gate_term) + delta}
        wrong["the gate's term left out"] = {"dx": base + delta}
    if layer.masks is not None:
        bare = Layer.__new__(Layer)
        bare.__dict__ = {**layer.__dict__, "masks": None}
        wrong["the mask left out of delta"] = {
            "dx": end(base + bare.parts()[1])}
        wrong["the mask multiplied into c"] = {"dx": end(base + _masked_late(layer, chain_of=at))}
    for i, each in rows.items():
        tokens, slots = at(i)
        c = (w[tokens, slots] * scalings[i])[:, None]
        inputs = masked(i, layer.x[tokens])
        u = contract.products(layer.dy[tokens], pairs[i][1].T)
        z = contract.products(inputs, pairs[i][0])
        wrong["c on x in dA"][f"dA.{i}"] = layer.sums(layer.batches_of(i), u, c * inputs)
        wrong["c on dy in dB"][f"dB.{i}"] = layer.sums(
            layer.batches_of(i), c * layer.dy[tokens], z)
        for what, sums in wrong_sums(layer.batches_of(i), each.dy, each.cz).items():
            wrong.setdefault(what, {})[f"dB.{i}"] = sums
        spread = [np.zeros((layer.rows, part.shape[1]), F32) for part in (each.cu, each.x)]
        for whole, part in zip(spread, (each.cu, each.x)):
            whole[tokens] = part
        wrong.setdefault("rows that did not select i as zeros", {})[f"dA.{i}"] = layer.sums(
            layer.batches, *spread)
    if layer.gate is not None and selected.shape[1] > 1:
        wrong |= _wrong_gates(layer, h)
    return wrong


def _masked_late(layer, chain_of):
    """delta with c * mask rounded first."""
    result = np.zeros_like(layer.x)
    for i, (a, b) in sorted(layer.bank.pairs.items()):
        tokens, slots = chain_of(i)
        c = (layer.weights[tokens, slots] * layer.bank.scalings[i])[:, None]
        back = contract.products(contract.products(layer.dy[tokens], b.T), a.T)
        result[tokens] = contract.fma32(c * layer.masks[i][tokens], back, result[tokens])
    return result


def _wrong_gates(layer, h):
    """dg of rows that select several adapters."""
    selected, w, scalings = layer.selected, layer.weights, layer.bank.scalings
    rows, temperature = np.arange(layer.rows)[:, None], F32(layer.temperature)
    ascending = np.argsort(selected, axis=1)
    take = lambda each: np.take_along_axis(each, ascending, axis=1)
    e = contract.dot(take(w), take(h))[:, None]

    def placed(through):
        dg = layer.loss.copy()
        dg[rows, selected] = dg[rows, selected] + through
        return {"dg": dg}

    without_s, late = np.zeros_like(h), np.zeros_like(h)
    for i, (a, b) in layer.bank.pairs.items():
        tokens, slots = np.nonzero(selected == i)
        x = layer.x[tokens] if layer.masks is None else layer.x[tokens] * layer.masks[i][tokens]
        u, z = contract.products(layer.dy[tokens], b.T), contract.products(x, a)
        without_s[tokens, slots] = contract.dot(u, z)
        late[tokens, slots] = contract.dot(u, scalings[i] * z)
    of = lambda h: placed(
        (w * (h - contract.dot(take(w), take(h))[:, None])) / temperature)
    return {
        "h without s": of(without_s),
        "s on z": of(late),
        "e in top-k order": placed((w * (h - contract.dot(w, h)[:, None])) / temperature),
        "w * h - w * e": placed((w * h - w * e) / temperature),
        "1 / T as a factor": placed((w * (h - e)) * (F32(1) / temperature)),
        "T left out": placed(w * (h - e)),
        "e left out": placed((w * h) / temperature),
    }
