"""Golden cases of top-k and the routing weights. (Imported by make_kernels.py.)"""

import numpy as np

import contract
import functions
import routing
from cases_products import normal
from shortcuts import instead, wrong_dots

F32 = np.float32
INF, NAN = np.inf, np.nan
ODD_LOGITS = np.array([
    [0, 0, 0, 0, 0], [0, -0.0, 0, -0.0, 0], [-0.0, 0, -0.0, 0, 0], [1, 2, 2, 1, 2],
    [NAN, 1, INF, -INF, 0], [-INF, -INF, -INF, -INF, -INF], [INF, 3, INF, 2, INF],
    [1, NAN, 2, NAN, 3], [NAN, NAN, NAN, NAN, NAN], [-INF, -1e38, -INF, -3e38, -1],
    [1e-45, 0, -0.0, -1e-45, 0], [5, 4, 3, 2, 1], [1, 2, 3, 4, 5], [-1, -1, -2, -1, -0.5],
    [INF, NAN, INF, NAN, 0], [-INF, 0, -0.0, NAN, -INF],
], F32)  # fmt: skip


def add_all(pack):
    add_top_k(pack)
    add_routings(pack)


def add_top_k(pack):
    def add(name, comment, logits, k, flags):
        selected = routing.top_k(logits, k)
        wrong = {"ties to the higher index": _ties_high(logits, k)}
        if 1 < k:
            wrong["sorted by index"] = np.sort(selected, axis=1)
        pack.add(name, "top_k", comment, {"logits": logits}, {"selected": selected}, {"top_k": k},
                 flags, file="routing",
                 tries=wrong)

    for k in [1, 2, 3, 5]:
        add(f"top-k-odd-{k}", "NaN first, then +inf; -0 equals +0; equal: the lower index.",
            ODD_LOGITS, k, ["exact", "tie", "special"])
    for t, count, k in [(1, 1, 1), (2, 3, 2), (9, 28, 2), (7, 28, 28), (3, 28, 3), (2, 140, 1),
                        (2, 140, 129), (2, 140, 140)]:  # fmt: skip
        name = f"top-k-t{t}-l{count}-k{k}"
        logits = normal(pack.rng(name), t, count)
        add(name, f"{k} of {count}, no ties.", logits, k, ["exact"])
    logits = (pack.rng("top-k-many-ties").integers(0, 4, (6, 28)) / 4).astype(F32)
    for k in [1, 2, 3, 27]:
        add(f"top-k-many-ties-{k}", "28 logits of four values.", logits, k, ["exact", "tie"])


def _ties_high(logits, k):
    reverse = routing.top_k(logits[:, ::-1], k)
    return logits.shape[1] - 1 - reverse


def add_routings(pack):
    def add(name, comment, logits, k, temperature, flags, **checks):
        selected, weights = routing.route(logits, k, temperature)
        pack.add(name, "routing", comment, {"logits": logits},
                 {"selected": selected, "weights": weights},
                 {"top_k": k, "temperature": temperature}, flags, file="routing", **checks)

    for t, count, k, temperature in [
        (1, 1, 1, 1.0), (2, 3, 1, 15.0), (7, 3, 2, 1.0), (8, 3, 3, 0.5), (9, 28, 2, 1.0),
        (9, 28, 2, 15.0), (33, 28, 3, 1.0), (17, 5, 3, 30.0), (8, 28, 28, 0.7), (8, 28, 2, 0.5),
        (2, 140, 129, 15.0), (2, 140, 130, 1.0), (2, 140, 140, 3.0), (2, 300, 200, 2.0),
    ]:  # fmt: skip
        name = f"routing-t{t}-l{count}-k{k}-T{temperature:g}"
        logits = normal(pack.rng(name), t, count, scale=2 * max(1, temperature**0.5))
        comment = f"{k} of {count}, T = {temperature:g}."
        add(name, comment, logits, k, temperature, ["ordered"],
            tries=_wrong(logits, k, temperature) if k > 1 else {})

    tied = np.repeat(np.array([[0.5], [-7], [0]], F32), 8, axis=1)
    for k in [1, 2, 4, 8]:
        unscaled = {"softmax over all": {"weights": contract.softmax(tied)[:, :k]}}
        add(f"routing-exact-ties-{k}", f"All logits equal: the lowest {k}, 1/{k} each.", tied, k,
            1.0, ["exact", "tie"], catches=unscaled if k < 8 else {})
    logits = (pack.rng("routing-ties").integers(-4, 4, (9, 28)) / 2).astype(F32)
    add("routing-ties", "Ties within and across the border of the selected.", logits, 3, 15.0,
        ["ordered", "tie"])
    for k in [1, 2, 5]:
        add(f"routing-special-{k}", "k = 1: weight 1 by rule; else NaN or +inf selected gives NaN.",
            ODD_LOGITS, k, 1.0, ["special", "tie"])
    far = np.array([[100, -100, 0], [1e38, -1e38, 0], [3e38, -3e38, 3e38], [88, 0, -16]], F32)
    add("routing-far-apart", "t - m underflows or overflows: weights 1 and 0.", far, 3, 1.0,
        ["special"])
    add("routing-far-apart-T05", "g / T overflows to inf: NaN.", far, 2, 0.5, ["special"])


def _wrong(logits, k, temperature):
    selected = routing.top_k(logits, k)
    g = np.take_along_axis(logits, selected, axis=1)
    big_t, ones = F32(temperature), np.ones(k, F32)
    t = g / big_t
    e = functions.exp(t - t.max(axis=1, keepdims=True))
    ascending = np.argsort(selected, axis=1)
    d = contract.dot(np.take_along_axis(e, ascending, axis=1), ones)[:, None]
    wrong = {
        "times the reciprocal of D": e * (F32(1) / d),
        "softmax over all, then renormalised": _all_then_selected(logits, k, temperature),
    }
    if k > 2:
        wrong["D in top-k order"] = e / contract.dot(e, ones)[:, None]
    if temperature != 1:
        after = functions.exp((g - g.max(axis=1, keepdims=True)) / big_t)
        wrong["T after the maximum is subtracted"] = _divided(after, ascending)
        wrong["T left out"] = routing.weights(logits, selected, 1.0)
        wrong["softmax over all with T = 1, then renormalised"] = _all_then_selected(logits, k, 1.0)
        if temperature != 0.5:
            g_by_t = g * (F32(1) / big_t)
            scaled = functions.exp(g_by_t - g_by_t.max(axis=1, keepdims=True))
            wrong["g * (1 / T)"] = _divided(scaled, ascending)
    for what, dot in wrong_dots(k, "one chain without blocks").items():
        wrong[f"D: {what}"] = instead(dot, lambda: routing.weights(logits, selected, temperature))
    return {what: {"weights": weights} for what, weights in wrong.items()}


def _divided(e, ascending):
    ordered = np.take_along_axis(e, ascending, axis=1)
    return e / contract.dot(ordered, np.ones(e.shape[1], F32))[:, None]


def _all_then_selected(logits, k, temperature):
    p = contract.softmax(logits / F32(temperature))
    chosen = np.take_along_axis(p, routing.top_k(logits, k), axis=1)
    total = contract.dot(chosen, np.ones(k, F32))[:, None]
    return chosen / total
