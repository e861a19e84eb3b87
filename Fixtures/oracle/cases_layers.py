"""Golden cases of RMSNorm, SiLU, softmax and RoPE. (Imported by make_kernels.py.)"""

import math

import numpy as np

import contract
import functions
import rope
from cases_products import eighths, normal
from shortcuts import instead, wrong_dots

F32, F64 = np.float32, np.float64
LLAMA31 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
LLAMA32 = dict(LLAMA31, factor=32.0)
# A small one whose three bands all have several frequencies at head_dim 16, and steps that round.
ODD = dict(LLAMA31, factor=5.3, low_freq_factor=1.1, high_freq_factor=4.7,
           original_max_position_embeddings=1000)


def add_all(pack):
    add_rms_norms(pack)
    add_silus(pack)
    add_softmaxes(pack)
    add_frequencies(pack)
    add_rotations(pack)


def add_rms_norms(pack):
    def add(name, comment, x, weight, eps, flags, **checks):
        y = contract.rms_norm(x, weight, eps)
        pack.add(name, "rms_norm", comment, {"x": x, "weight": weight}, {"y": y}, {"eps": eps},
                 flags, file="layers", **checks)

    # Rows of +-1 have mean square 1; with eps = 3 the root is 2.
    x = np.sign(eighths(pack.rng("rms-exact"), 9, 130) + F32(0.01)).astype(F32)
    weight = eighths(pack.rng("rms-exact-weight"), 130)
    agrees = {w: instead(d, lambda: contract.rms_norm(x, weight, 3.0))
              for w, d in wrong_dots(130).items()}
    add("rms-exact", "Mean square 1, eps 3: r is 1/2 exactly.", x, weight, 3.0, ["exact"],
        agrees=agrees)

    for t, h, eps in [(1, 1, 1e-5), (2, 7, 1e-6), (7, 33, 1e-5), (9, 64, 1e-6), (3, 128, 1e-5),
                      (8, 129, 1e-5), (2, 300, 1e-6), (33, 16, 1e-5)]:  # fmt: skip
        name = f"rms-t{t}-h{h}-eps{eps:g}"
        x = normal(pack.rng(name), t, h, scale=0.7)
        weight = normal(pack.rng(name + "w"), h, scale=0.3) + F32(1)
        tries = wrong_norms(x, weight, eps) if t * h > 100 else {}
        if h >= 64:
            names = ["one chain without blocks", "product rounded before the addition",
                     "sum in binary64"]
            for what, dot in wrong_dots(h, *names).items():
                tries[what] = instead(dot, lambda: contract.rms_norm(x, weight, eps))
        add(name, f"Width {h}, eps {eps:g}.", x, weight, eps, ["ordered"], tries=tries)
    x = np.array([[0, -0.0, 0, 0], [1e-30, -1e-30, 0, 0], [1e20, 1, 0, 0], [np.inf, 1, -1, 0],
                  [np.nan, 1, 0, 0], [1e-3, 2e-3, -1e-3, 0]], F32)  # fmt: skip
    add("rms-special", "Rows of zeros, of tiny, huge (the squares overflow), infinite, NaN values.",
        x, np.array([1, -1, 2, -0.5], F32), 1e-5, ["special"])


def wrong_norms(x, weight, eps):
    ss, h, e = contract.dot(x, x)[:, None], F32(x.shape[1]), F32(eps)
    root = np.sqrt(ss / h + e)
    r = F32(1) / root
    once = (1 / np.sqrt((ss / h + e).astype(F64))).astype(F32)
    wrong = {
        "(w * x) * r": (weight * x) * r,
        "(w * r) * x": (weight * r) * x,
        "x / sqrt": weight * (x / root),
        "reciprocal root rounded once": weight * (x * once),
        "eps left out": weight * (x * (F32(1) / np.sqrt(ss / h))),
        "eps inside the sum": weight * (x * (F32(1) / np.sqrt((ss + e) / h))),
    }
    if x.shape[1] & (x.shape[1] - 1):
        wrong["ss * (1 / H)"] = weight * (x * (F32(1) / np.sqrt(ss * (F32(1) / h) + e)))
    if eps == 1e-6:
        del wrong["eps left out"], wrong["eps inside the sum"]
        wrong["eps of 1e-5"] = contract.rms_norm(x, weight, 1e-5)
    return wrong


def add_silus(pack):
    def add(name, comment, gate, up, flags, **checks):
        y = contract.silu_mul(gate, up)
        pack.add(name, "silu_mul", comment, {"gate": gate, "up": up}, {"y": y}, flags=flags,
                 file="layers", **checks)

    for t, n in [(1, 1), (7, 15), (9, 33), (2, 65)]:
        name = f"silu-t{t}-n{n}"
        gate, up = normal(pack.rng(name), t, n, scale=3), normal(pack.rng(name + "u"), t, n)
        one, e = F32(1), functions.exp(-gate)
        wide = np.exp(-gate.astype(F64))
        catches = {
            "x * sigmoid(x)": (gate * (one / (one + e))) * up,
            "(x * u) / (1 + exp(-x))": (gate * up) / (one + e),
            "x * (u / (1 + exp(-x)))": gate * (up / (one + e)),
            "the whole in binary64": (gate.astype(F64) / (1 + wide) * up.astype(F64)).astype(F32),
            "SiLU in binary64, rounded once": (gate.astype(F64) / (1 + wide)).astype(F32) * up,
        }
        add(name, f"[{t}, {n}], ordinary values.", gate, up, ["ordered"],
            tries=catches if t * n > 1 else {})
    gate = [[0, -0.0, 1e-40, -1e-40, 17, -17, 88, -88, 89, -89, 103, -103, 104, -104, 1e38, -1e38]]
    gate = np.array(gate + [[np.inf, -np.inf, np.nan, -0.0, 1, 1, 1, 1] * 2], F32)
    up = np.ones_like(gate)
    up[1] = [1, 1, 1, -1, np.inf, np.nan, 0, -0.0, 0, -1, 0, 1, -1, -np.inf, 1e-45, 3e38]
    add("silu-special", "exp overflows to infinity below -88.7; infinities, NaN, signed zeros.",
        gate, up, ["special"])


def add_softmaxes(pack):
    def add(name, comment, x, flags, **checks):
        pack.add(name, "softmax", comment, {"x": x}, {"y": contract.softmax(x)}, flags=flags,
                 file="layers", **checks)

    for n in [1, 2, 8, 256]:
        x = np.repeat(np.array([[0.5], [-3], [100], [-200]], F32), n, axis=1)
        add(f"softmax-exact-n{n}", f"{n} equal values: 1/{n} each.", x, ["exact"],
            agrees={w: instead(d, lambda: contract.softmax(x)) for w, d in wrong_dots(n).items()})
    for t, n in [(7, 2), (9, 7), (5, 33), (4, 128), (3, 129), (4, 300)]:
        name = f"softmax-t{t}-n{n}"
        x = normal(pack.rng(name), t, n, scale=2)
        m = x.max(axis=1, keepdims=True)
        e = functions.exp(x - m)
        d = contract.dot(e, np.ones(n, F32))[:, None]
        catches = {
            "times the reciprocal": e * (F32(1) / d),
            "exp in binary64": (lambda w: (w / w.sum(1, keepdims=True)).astype(F32))(
                np.exp((x - m).astype(F64))),
        }
        if n > 2:
            raw = functions.exp(x)
            whole = contract.dot(raw, np.ones(n, F32))[:, None]
            catches["no maximum subtracted"] = raw / whole
            catches["exp(x - log-sum-exp)"] = functions.exp(x - (m + functions.log(d)))
        if n > 128:
            names = ["one chain without blocks", "blocks summed last to first"]
            for what, dot in wrong_dots(n, *names).items():
                if n < 257 and what.startswith("blocks"):
                    continue
                catches[f"denominator: {what}"] = instead(dot, lambda: contract.softmax(x))
        add(name, f"[{t}, {n}], ordinary values.", x, ["ordered"], tries=catches)
    x = np.array([[1000, 999, -1000, 0], [-1e38, 1e38, 0, 1], [-np.inf, 1, 2, -np.inf],
                  [-np.inf] * 4, [np.inf, 1, 2, 3], [1, np.nan, 2, 3], [0, -0.0, -0.0, 0],
                  [-103.9, 0, -104.1, -87.4], [np.inf, np.inf, np.nan, -np.inf]], F32)  # fmt: skip
    add("softmax-special", "Far apart, infinite and NaN values; +inf or NaN makes a row NaN.", x,
        ["special"])


FREQUENCIES = [
    ("d4", 4, 1e4, None), ("d16", 16, 1e4, None), ("d64", 64, 5e5, None), ("d80", 80, 1e4, None),
    ("d128", 128, 5e5, {"rope_type": "default"}), ("d130", 130, 1e6, None),
    ("d2", 2, 1e4, None), ("d128-8e6", 128, 8e6, {"type": "default"}),
    ("linear-4", 64, 1e4, {"type": "linear", "factor": 4.0}),
    ("linear-2.5", 128, 5e5, {"rope_type": "linear", "factor": 2.5}),
    ("llama31", 128, 5e5, LLAMA31), ("llama32", 64, 5e5, LLAMA32), ("llama3-odd", 64, 1e4, ODD),
    ("llama3-d130", 130, 7e5, ODD), ("theta-fraction", 32, 12345.678, None),
]  # fmt: skip


def add_frequencies(pack):
    for name, d, theta, scaling in FREQUENCIES:
        inv = rope.frequencies(d, theta, scaling)
        pack.add(
            f"rope-frequencies-{name}", "rope_frequencies",
            f"head_dim {d}, theta {theta:g}, {rope.scaling_type(scaling)}.", {}, {"inv_freq": inv},
            {"head_dim": d, "rope_theta": theta, "rope_scaling": scaling}, ["ordered"],
            file="layers", tries=wrong_frequencies(d, theta, scaling) if d >= 64 else {})


def wrong_frequencies(d, theta, scaling):
    one, e = F32(1), np.arange(0, d, 2).astype(F32) / F32(d)
    wide = float(F32(theta)) ** (np.arange(0, d, 2) / d)
    kind, inv = rope.scaling_type(scaling), one / functions.pow(F32(theta), e)
    if kind == "default":
        wrong = {
            "binary64, rounded once": (1 / wide).astype(F32),
            "pow in binary64": one / wide.astype(F32),
            "pow(theta, -e)": functions.pow(F32(theta), -e),
            "exp(-e * log(theta))": functions.exp(-e * functions.log(F32(theta))),
        }
        if np.array_equal(e.astype(F64), np.arange(0, d, 2) / d):  # d is a power of two
            del wrong["pow in binary64"]
        return wrong
    factor = F32(scaling["factor"])
    if kind == "linear":
        wrong = {"binary64, rounded once": (1 / wide / float(factor)).astype(F32)}
        if math.frexp(factor)[0] != 0.5:
            wrong["times the reciprocal of the factor"] = inv * (one / factor)
        return wrong
    low, high = F32(scaling["low_freq_factor"]), F32(scaling["high_freq_factor"])
    old = F32(scaling["original_max_position_embeddings"])
    wavelen = F32(2 * np.pi) / inv
    s = (old / wavelen - low) / (high - low)
    right = rope.frequencies(d, theta, scaling)
    between = ~(wavelen > old / low) & ~(wavelen < old / high)
    assert between.sum() >= 2 and (wavelen > old / low).any() and (wavelen < old / high).any()
    blend = lambda values: np.where(between, values, right)
    interpolated = (one - s) * (inv / factor) + s * inv
    wrong = {
        "inv * ((1 - s) / factor + s)": blend(inv * ((one - s) / factor + s)),
        "lerp by subtraction": blend(inv / factor + s * (inv - inv / factor)),
        "s * inv fused": blend(contract.fma32(s, inv, ((one - s) * inv) / factor)),
        "the blend reversed": blend((s * inv) / factor + (one - s) * inv),
        "middle band left out": np.where(between, inv, right),
    }
    if math.frexp(factor)[0] != 0.5:
        wrong["(1 - s) * (inv / factor)"] = blend(interpolated)
    return wrong


ROTATIONS = [
    ("t1-h1-d4", 1, 1, 4, 1e4, None), ("t9-h2-d16", 9, 2, 16, 1e4, None),
    ("t7-h1-d80", 7, 1, 80, 1e4, None), ("t3-h1-d130", 3, 1, 130, 1e6, None),
    ("t8-h2-d64-linear", 8, 2, 64, 1e4, {"type": "linear", "factor": 4.0}),
    ("t8-h1-d128-llama31", 8, 1, 128, 5e5, LLAMA31), ("t8-h1-d64-llama32", 8, 1, 64, 5e5, LLAMA32),
]  # fmt: skip
POSITIONS = [0, 1, 131071, 2, 8191, 100000, 65537, 127, 4095]


def add_rotations(pack):
    def add(name, comment, x, positions, d, theta, scaling, flags, **checks):
        cos, sin = rope.tables(positions, rope.frequencies(d, theta, scaling))
        outputs = {"y": rope.rotate(x, cos, sin), "cos": cos, "sin": sin}
        pack.add(name, "rope", comment, {"x": x, "positions": positions}, outputs,
                 {"head_dim": d, "rope_theta": theta, "rope_scaling": scaling}, flags,
                 file="layers", **checks)

    for name, t, heads, d, theta, scaling in ROTATIONS:
        positions = np.array(POSITIONS[:t] if t > 1 else [77])
        x = normal(pack.rng(name), t, heads, d)
        inv = rope.frequencies(d, theta, scaling)
        comment = f"{t} tokens at positions up to {positions.max()}, {rope.scaling_type(scaling)}."
        add(f"rope-{name}", comment, x, positions, d, theta, scaling, ["ordered"],
            tries=wrong_rotations(x, positions, inv) if t > 1 else {})
    x = np.array([[[1, -0.0, 0, -0.0]], [[-0.0, 0, -0.0, 2]]], F32)
    add("rope-position-0", "Position 0 turns nothing (cos 1, sin 0); -0 may become +0.", x,
        np.array([0, 0]), 4, 1e4, None, ["exact", "special"])


def wrong_rotations(x, positions, inv):
    cos, sin = rope.tables(positions, inv)
    half = x.shape[-1] // 2
    a, b, c, s = x[..., :half], x[..., half:], cos[:, None], sin[:, None]
    pairs = np.empty_like(x)
    pairs[..., 0::2] = x[..., 0::2] * c - x[..., 1::2] * s
    pairs[..., 1::2] = x[..., 1::2] * c + x[..., 0::2] * s
    join = lambda first, second: {"y": np.concatenate([first, second], axis=-1)}
    angles = positions[:, None].astype(F64) * inv.astype(F64)
    return {
        "interleaved pairs": {"y": pairs},
        "products fused with the addition": join(
            contract.fma32(a, c, -b * s), contract.fma32(b, c, a * s)),
        "turned the other way": join(a * c + b * s, b * c - a * s),
        "angles in binary64": {
            "cos": np.cos(angles).astype(F32), "sin": np.sin(angles).astype(F32)},
    }
