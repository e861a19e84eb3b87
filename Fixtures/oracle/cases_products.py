"""Golden cases of the dot product and the linear layer. (Imported by make_kernels.py.)"""

import numpy as np

import contract
from shortcuts import instead, wrong_dots
from tensors import store

F32 = np.float32


def eighths(rng, *shape):
    """Small multiples of 1/8: sums of products are exact in any order, fused or not."""
    return (rng.integers(-8, 9, shape) / 8).astype(F32)


def normal(rng, *shape, scale=1.0):
    return (rng.standard_normal(shape) * scale).astype(F32)


def add_dots(pack):
    def add(name, comment, a, b, flags, **checks):
        a, b = np.asarray(a, F32), np.asarray(b, F32)
        y = contract.dot(a, b)
        pack.add(name, "dot", comment, {"a": a, "b": b}, {"y": y}, flags=flags, **checks)

    for k in [0, 1, 127, 128, 129, 255, 256, 257, 300]:
        rng = pack.rng(f"dot-exact-k{k}")
        a, b = eighths(rng, 2, k), eighths(rng, 2, k)
        agrees = {what: wrong(a, b) for what, wrong in wrong_dots(k).items()}
        add(f"dot-exact-k{k}", f"Length {k}, every sum exact.", a, b, ["exact"], agrees=agrees)
    for k in [1, 2, 127, 128, 129, 255, 256, 257, 300, 512]:
        rng = pack.rng(f"dot-k{k}")
        a, b = normal(rng, 3, k), normal(rng, 3, k)
        a[:, -1] *= 8  # so that a last block of one product shows its own rounding
        catches = {what: wrong(a, b) for what, wrong in wrong_dots(k).items()}
        if k == 1:
            catches = {}
        if k > 2:
            catches["k descending"] = contract.dot(a[:, ::-1], b[:, ::-1])
        add(f"dot-k{k}", f"Length {k}, ordinary values.", a, b, ["ordered"], tries=catches)

    big, tiny = F32(3e38), F32(1e-38)
    a = [[-1e19, 1.8e19, 0.5]]
    add("dot-product-beyond-range", "The second product alone overflows, the fused sum does not.",
        a, [[1e19, 2e19, 2]], ["ordered", "special"],
        catches={"product rounded before the addition": wrong_unfused(a, [[1e19, 2e19, 2]])})
    add("dot-overflow", "The sum overflows to an infinity and stays there.",
        [[big, big, -big], [-big, -big, big]], [[1, 1, 1], [1, 1, 1]], ["special"])
    a, b = [[tiny] * 3, [tiny, -tiny, tiny]], [[0.3, 0.25, 1e-3], [2**-20, 2**-21, 2**-22]]
    add("dot-subnormal", "Products and sums are subnormal; nothing is flushed to zero.", a, b,
        ["ordered", "special"], catches={"flush to zero": np.zeros(2, F32)})
    a, b = [[-1e-30, 1e-30], [-0.0, 0.0], [-1e-30, 0.0]], [[1e-30, -1e-30], [1, -1], [1e-30, 1]]
    add("dot-never-negative-zero", "A block's sum may be -0, the total starts at +0 and is +0.",
        a, b, ["special"], catches={"one block's sum as the result": np.full(3, -0.0, F32)})
    inf, nan = np.inf, np.nan
    add("dot-special", "inf, NaN, 0 * inf and inf - inf.",
        [[inf, 1], [inf, inf], [0, 1], [nan, 0], [1, -inf], [inf, 1]],
        [[1, 1], [1, -1], [inf, 1], [0, 1], [1, 2], [2, nan]], ["special"])


def wrong_unfused(a, b):
    return wrong_dots(2, "product rounded before the addition").popitem()[1](a, b)


# tokens, out, in, dtype, bias: each number on a border of a tile somewhere
ORDERED_SHAPES = [
    (1, 1, 1, "F32", False), (2, 7, 127, "F32", False), (7, 8, 128, "BF16", False),
    (8, 15, 129, "F16", False), (8, 7, 255, "BF16", False), (17, 17, 33, "BF16", True),
    (33, 31, 8, "F16", True), (1, 17, 256, "F16", False), (2, 15, 257, "BF16", False),
    (7, 32, 130, "F16", True), (8, 65, 17, "F16", False), (9, 65, 15, "BF16", False),
    (33, 33, 31, "BF16", True), (17, 47, 16, "F32", True), (1, 8, 300, "BF16", False),
    (33, 1, 65, "F32", False), (9, 32, 7, "F32", False), (1, 33, 0, "F32", False),
    (16, 64, 32, "BF16", False), (1, 130, 47, "F16", False),
    (2, 3, 520, "BF16", True),
]  # fmt: skip
EXACT_SHAPES = [
    (1, 1, 1, "F16", True), (9, 65, 17, "BF16", False), (8, 16, 0, "F32", True),
    (2, 33, 129, "F16", False), (33, 17, 16, "F32", False), (7, 31, 33, "F32", True),
    (17, 15, 8, "BF16", True), (1, 33, 65, "F32", False),
]  # fmt: skip


def add_linears(pack):
    def add(name, comment, x, weight, bias, flags, **checks):
        inputs = {"x": x, "weight": weight} | ({} if bias is None else {"bias": bias})
        y = contract.linear(x, weight.f32, None if bias is None else bias.f32)
        pack.add(name, "linear", comment, inputs, {"y": y}, flags=flags, **checks)

    for tier, shapes in [("exact", EXACT_SHAPES), ("ordered", ORDERED_SHAPES)]:
        for t, out, k, dtype, biased in shapes:
            name = f"linear-{tier}-t{t}-o{out}-k{k}-{dtype.lower()}" + ("-bias" if biased else "")
            rng = pack.rng(name)
            values = eighths if tier == "exact" else normal
            x = values(rng, t, k)
            weight = store(values(rng, out, k), dtype)
            bias = store(values(rng, out), dtype) if biased else None
            run = lambda: contract.linear(x, weight.f32, bias.f32 if biased else None)
            others = {what: instead(dot, run) for what, dot in wrong_dots(k).items()}
            checks = {"agrees" if tier == "exact" else "tries": others}
            comment = f"[{t}, {k}] by [{out}, {k}], {dtype} weights{', bias' * biased}."
            add(name, comment, x, weight, bias, [tier, "shapes"], **checks)

    rng = pack.rng("linear-bias-last")
    x, weight, bias = normal(rng, 9, 40), store(normal(rng, 12, 40)), store(normal(rng, 12))
    ones = np.ones((9, 1), F32)
    first = contract.products(
        np.concatenate([ones, x], 1), np.concatenate([bias.f32[:, None], weight.f32], 1))
    last = contract.products(
        np.concatenate([x, ones], 1), np.concatenate([weight.f32, bias.f32[:, None]], 1))
    other = contract.linear(store(x, "BF16").f32, weight.f32, bias.f32)
    add("linear-bias-last", "The bias is one addition after the dot product.", x, weight, bias,
        ["ordered"], catches={"the bias as start of the sum": first, "activations in bf16": other})
    assert not np.array_equal(last, other)

    rng = pack.rng("linear-f16-subnormal")
    raw = rng.integers(0, 0x400, (7, 20)).astype(np.uint16) | (rng.integers(0, 2, (7, 20)) << 15)
    weight = store(raw.astype(np.uint16).view(np.float16), "F16")
    x = normal(rng, 8, 20)
    flushed = contract.linear(x, np.zeros((7, 20), F32))
    add("linear-f16-subnormal", "Every weight is a subnormal of binary16; widening is exact.", x,
        weight, None, ["ordered", "dtype"], catches={"subnormals read as zero": flushed})

    rng = pack.rng("linear-bf16-subnormal")
    raw = (rng.integers(1, 0x80, (7, 20)) | (rng.integers(0, 2, (7, 20)) << 15)).astype(np.uint16)
    weight = store(np.zeros((7, 20)), "BF16")
    weight.raw[:] = raw
    x = normal(rng, 8, 20)
    add("linear-bf16-subnormal", "Every weight is a subnormal of bfloat16 and of binary32.", x,
        weight, None, ["ordered", "dtype"], catches={"subnormals read as zero": flushed})

    x = np.array([[0.0, 1, 2], [1, -1, 0.5]], F32)
    weight = store(np.array([[1, np.inf, 0], [0, 0, np.nan], [-1, 0, 0], [0, -0.0, 0]], F32), "F16")
    add("linear-special", "Infinite, NaN and -0 weights of binary16 reach the result.", x, weight,
        None, ["special", "dtype"])

    x = np.array([[0, 0, 0], [-1, 1, 0]], F32)
    weight, bias = store(np.ones((2, 3), F32)), store(np.array([-0.0, 0], F32))
    add("linear-zero-plus-negative-zero", "A dot product is +0, so a bias of -0 leaves +0.", x,
        weight, bias, ["exact", "special"], catches={"bias alone": np.full((2, 2), -0.0, F32)})
