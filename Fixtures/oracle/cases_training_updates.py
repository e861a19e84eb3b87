"""Golden cases of gradient norms, AdamW and learning rates. (Imported by make_training.py.)"""

import math

import numpy as np

import contract
import training_norm
import training_sums
from cases_products import normal
from training_adamw import AdamW
from training_schedule import learning_rate, warm_up_steps

F32 = np.float32


def add_all(pack):
    _add_norms(pack)
    _add_adamw(pack)
    _add_rates(pack)


def _add_norms(pack):
    def add(name, comment, gradients, max_norm, flags, **checks):
        norm = training_norm.norm_of(gradients)
        clipped = training_norm.clipped(gradients, norm, max_norm)
        inputs = {f"g.{each}": value for each, value in gradients.items()}
        outputs = {"norm": np.array([norm])}
        if np.isfinite(norm):
            outputs |= {f"clipped.{each}": g for each, g in clipped.items()}
        pack.add(name, "gradient_norm", comment, inputs, outputs, {"max_norm": max_norm}, flags,
                 file="updates", **checks)

    add("norm-exact", "A norm of 5.", {"b": F32([[3, 0]]), "a": F32([4])}, 1.0, ["exact"])
    add("norm-equal-to-limit", "Norm and limit 5: c is less than 1 only by 1e-6, which is lost.",
        {"b": F32([[3, 0]]), "a": F32([4])}, 5.0, ["exact"])
    add("norm-zero", "All gradients +0 or -0.", {"w": F32([[0, -0.0]])}, 1.0, ["special"])
    add("norm-tiny-limit", "The limit is so small that 1e-6 counts.", {"w": F32([[1e-6, 2e-6]])},
        1e-6, ["ordered"], catches={"1e-6 left out": {"clipped.w": _plain_clip(
            {"w": F32([[1e-6, 2e-6]])}, 1e-6)["w"]}})  # fmt: skip
    add("norm-overflow", "A square overflows: the norm is infinite, which stops training.",
        {"w": F32([[1e20, 1]]), "v": F32([1, 2])}, 1.0, ["special"])
    for max_norm in (1.0, 2.5, 7.0, 0.3, 11.0, 1e-3, 1e4):
        name = f"norm-max{max_norm:g}"
        rng = pack.rng(name)
        # Byte order: "B" before "a", "10" before "2".
        shapes = {f"layers.{i}.w": (3 + i, 31 - 2 * i) for i in range(7, 13)}
        shapes |= {"a": (130,), "B": (2, 2), "zz": (300,)}
        gradients = {each: normal(rng, *shape) for each, shape in shapes.items()}
        flat = np.concatenate([gradients[n].ravel() for n in sorted(gradients, key=str.encode)])
        sums = [training_sums.square_sum(each) for each in gradients.values()]
        of_norms = np.array([np.sqrt(s) for s in sums])
        one = lambda values: np.array([np.sqrt(F32(values))])
        tries = {
            "one dot product over all tensors": {"norm": one(training_sums.square_sum(flat))},
            "tensors in the order given": {"norm": one(sum(sums, F32(0)))},
            "the norm of norms": {"norm": one(contract.dot(of_norms, of_norms))},
            "columns before rows": {"norm": np.array([training_norm.norm_of(
                {n: g.T for n, g in gradients.items()})])},
            "sum in binary64": {"norm": np.array([F32(math.sqrt(float(
                (flat.astype(np.float64) ** 2).sum())))])},
        }  # fmt: skip
        if max_norm < 100:
            norm = training_norm.norm_of(gradients)
            tries["g * M / norm"] = {"clipped.a": gradients["a"] * F32(1) / norm}
        add(name, f"Nine tensors, a limit of {max_norm:g}.", gradients, max_norm, ["ordered"],
            tries=tries)


def _plain_clip(gradients, max_norm):
    c = F32(max_norm) / training_norm.norm_of(gradients)
    return {name: g * min(c, F32(1)) for name, g in gradients.items()}


def adamw(p, gradients, rates, settings):
    """Weights and both moments after every step."""
    optimizer, steps = AdamW(**settings), []
    for g, rate in zip(gradients, rates):
        p = optimizer.update({"p": p}, {"p": g}, rate)["p"]
        steps.append((p, optimizer.first["p"], optimizer.second["p"]))
    return dict(zip(("weights", "m", "v"), map(np.stack, zip(*steps))))


def _add_adamw(pack):
    for name, comment, shape, rates, settings in [
        ("adamw-plain", "No decay.", (7, 17), [0.01] * 3, {"weight_decay": 0.0}),
        ("adamw-decay", "Decay 0.1, a rate that changes.", (5, 9), [0.003, 0.01, 0.0007],
         {"weight_decay": 0.1}),
        ("adamw-vector", "A vector does not decay.", (33,), [0.01] * 3, {"weight_decay": 0.1}),
        ("adamw-betas", "Other betas, a large eps.", (3, 11), [0.02] * 3,
         {"weight_decay": 0.01, "beta1": 0.7, "beta2": 0.95, "eps": 1e-3}),
        ("adamw-warm-up", "The first rate is 0: p stays, m and v move.", (2, 9), [0.0, 0.01, 0.02],
         {"weight_decay": 0.1}),
        ("adamw-ten", "Ten steps: the powers are products.", (2, 5), [0.001] * 10,
         {"weight_decay": 0.01}),
    ]:  # fmt: skip
        rng = pack.rng(name)
        settings = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, **settings}
        p = normal(rng, *shape)
        scales = np.geomspace(1, 0.03, len(rates))
        gradients = np.stack([normal(rng, *shape, scale=scale) for scale in scales])
        _add_update(pack, name, comment, p, gradients, rates, settings, ["ordered"],
                    tries=_wrong_updates(p, gradients, rates, settings))
    p = F32([[1, -1, 0, -0.0, 1e-40, 3e38, 0.5, 2]])
    gradients = F32([[[0, -0.0, 1e-30, -1e-30, 1e-22, 1e15, 1e-45, -1e15]],
                     [[0, 0, 0, 0, 0, -1e15, 1, 1e-20]]])  # fmt: skip
    settings = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01}
    _add_update(pack, "adamw-special", "Gradients of 0, subnormal and huge ones; squares vanish.",
                p, gradients, [0.01, 0.01], settings, ["special"])


def _add_update(pack, name, comment, p, gradients, rates, settings, flags, **checks):
    outputs = adamw(p, gradients, rates, settings)
    assert all(np.isfinite(each).all() for each in outputs.values())
    pack.add(name, "adamw", comment, {"weight": p, "gradients": gradients}, outputs,
             {"learning_rates": rates, **settings}, flags, file="updates", **checks)


def _wrong_updates(p, gradients, rates, settings):
    beta1, beta2, eps, decay = (
        settings[each] for each in ("beta1", "beta2", "eps", "weight_decay"))
    steps = [(t, g, rate) for t, (g, rate) in enumerate(zip(gradients, rates), 1)]

    def run(momentum=None, square=None, change=None, decayed=None):
        w, m, v, found = p, np.zeros_like(p), np.zeros_like(p), []
        for t, g, rate in steps:
            a1, a2, b2 = F32(1 - beta1), F32(1 - beta2), F32(beta2)
            if decayed:
                w = decayed(w, rate)
            elif p.ndim > 1:
                w = w * F32(1 - rate * decay)
            m = momentum(m, g, a1) if momentum else m + a1 * (g - m)
            v = square(v, g, a2, b2) if square else v * b2 + (a2 * g) * g
            size, root = F32(-(rate / (1 - beta1**t))), F32(math.sqrt(1 - beta2**t))
            w = change(w, m, v, t, rate) if change else w + (size * m) / (
                np.sqrt(v) / root + F32(eps))
            found.append(w)
        return {"weights": np.stack(found)}

    def unbiased(w, m, v, t, rate):
        first, second = m / F32(1 - beta1**t), v / F32(1 - beta2**t)
        return w - F32(rate) * first / (np.sqrt(second) + F32(eps))

    def divided_first(w, m, v, t, rate):
        size, root = F32(-(rate / (1 - beta1**t))), F32(math.sqrt(1 - beta2**t))
        return size, m / (np.sqrt(v) / root + F32(eps))

    def late(w, *state):
        size, step = divided_first(w, *state)
        return w + size * step

    def fused(w, *state):
        return contract.fma32(*divided_first(w, *state), w)

    wrong = {
        "momentum fused": run(momentum=lambda m, g, a1: contract.fma32(a1, g - m, m)),
        "beta1 * m + (1 - beta1) * g": run(momentum=lambda m, g, a1: F32(beta1) * m + a1 * g),
        "square fused": run(square=lambda v, g, a2, b2: contract.fma32(a2 * g, g, v * b2)),
        "g * g first": run(square=lambda v, g, a2, b2: v * b2 + a2 * (g * g)),
        "1 - beta2 in binary32": run(
            square=lambda v, g, a2, b2: v * b2 + ((F32(1) - b2) * g) * g),
        "bias taken from m and v": run(change=unbiased),
        "size * (m / d)": run(change=late),
        "the last product fused": run(change=fused),
    }
    if decay and p.ndim > 1:
        wrong["p - lr * decay * p"] = run(
            decayed=lambda w, rate: w - F32(rate * decay) * w)
        wrong["no decay"] = run(decayed=lambda w, rate: w)
    if decay and p.ndim == 1:
        wrong["a vector that decays"] = run(decayed=lambda w, rate: w * F32(1 - rate * decay))
    return wrong


def _add_rates(pack):
    for schedule, rate, ratio, total in [
        ("constant", 0.01, 0.0, 3), ("constant", 0.003, 0.2, 7), ("linear", 0.01, 0.0, 10),
        ("linear", 0.0007, 0.07, 100), ("cosine", 0.01, 0.0, 10), ("cosine", 5e-5, 0.03, 150),
        ("cosine", 0.02, 0.5, 9), ("linear", 0.1, 1.0, 4), ("cosine", 0.1, 0.1, 1),
    ]:  # fmt: skip
        name = f"rate-{schedule}-{rate:g}-warm-up-{ratio:g}-of-{total}"
        of = lambda step: learning_rate(schedule, rate, ratio, step, total)
        rates = np.array([of(step) for step in range(total)])
        tries = {}
        if schedule != "constant" or ratio:
            tries["steps counted from 1"] = np.array([*rates[1:], 0.0])
            tries["in binary32"] = rates.astype(F32).astype(np.float64)
        warm_up = warm_up_steps(ratio, total)
        if schedule == "cosine" and total - warm_up > 2:
            tries["cosine in binary64"] = np.array([of(step) if step < warm_up else rate * (
                0.5 * (1 + math.cos(math.pi * ((step - warm_up) / (total - warm_up)))))
                for step in range(total)])  # fmt: skip
        if 0 < ratio < 1 and warm_up != round(ratio * total):
            nearest = (round(ratio * total) - 0.5) / total
            tries["warm-up rounded to the nearest"] = np.array([
                learning_rate(schedule, rate, nearest, step, total) for step in range(total)])
        pack.add(name, "learning_rate", f"{total} steps, {warm_up} of them warm-up.", {},
                 {"rates": rates.view(np.int64)},
                 {"schedule": schedule, "learning_rate": rate, "warmup_ratio": ratio,
                  "total_steps": total}, ["ordered"], file="updates",
                 tries={what: each.view(np.int64) for what, each in tries.items()})
