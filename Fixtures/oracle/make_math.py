"""Golden cases of the elementary functions and of widening: Fixtures/golden/math.

pip install -r requirements-math.txt && python make_math.py
Results come from mpmath (`math_truth.py`), widened values from NumPy and ml_dtypes. The hard
arguments, whose true results lie nearest to the midpoint of two binary32 numbers, were found by
`math-proof` (Benchmarks/math-proof); `math_hard_cases.json` holds the arguments only.
"""

import json
import math
from pathlib import Path

import ml_dtypes
import mpmath
import numpy as np

import golden
import manifest
import math_truth
import tensors

F32 = np.float32
FLAGS = {
    "exact": "Every sum is exact in binary32: any order and any fusing gives the same bits.",
    "rounded": "Each result is the binary32 number nearest to the true one: there is no other.",
    "hard": "True results nearest to a midpoint of two binary32 numbers: the worst to round.",
    "special": "NaN, infinities, signed zeros, subnormals or overflow.",
}
INF, NAN = math.inf, math.nan
LARGEST, SMALLEST, NORMAL = 0x7F7FFFFF, 0x00000001, 0x00800000


def pattern(bits):
    return np.array(bits, np.uint32).view(F32)


def results(function, x, y=None):
    columns = [x.tolist()] if y is None else [x.tolist(), y.tolist()]
    return pattern([math_truth.truth(function, *row) for row in zip(*columns)])


def neighbours(*values):
    """Each number with its three neighbours to either side."""
    found = []
    for center in np.array(values, F32).view(np.int32).tolist():
        found += range(center - 3, center + 4)
    return np.array(found, np.int32).view(F32)


def spread(rng, low, high, count, signed=True):
    """Magnitudes between 2^low and 2^high, evenly over the exponents."""
    magnitudes = np.exp2(rng.uniform(low, high, count)) * (1 + rng.uniform(0, 2**-20, count))
    return (magnitudes * (rng.choice([-1, 1], count) if signed else 1)).astype(F32)


def add(pack, name, comment, flags, function, x, y=None):
    x = np.asarray(x, F32)
    inputs = {"x": x} if y is None else {"x": x, "exponent": np.asarray(y, F32)}
    outputs = {"y": results(function, *inputs.values())}
    pack.add(name, function, comment, inputs, outputs, flags=["rounded", *flags])


def add_one_argument(pack, hard):
    common = pattern([0, 0x80000000, SMALLEST, 0x80000001, NORMAL - 1, NORMAL, LARGEST, 0xFF7FFFFF])
    common = np.concatenate([common, F32([INF, -INF, NAN, 1, -1, 2**-24, -(2**-25)])])
    ranges = {  # ordinary values: (low exponent, high exponent, signed)
        "exp": [(-30, 6.7, True), (-2, 6.7, True)],
        "log": [(-149, 128, False), (-1, 1, False)],
        "sin": [(-20, 3, True), (0, 14, True), (14, 128, True)],
        "cos": [(-20, 3, True), (0, 14, True), (14, 128, True)],
    }
    borders = {
        # Overflow, the last normal and the last subnormal result, results next to 1.
        "exp": neighbours(88.722839, -87.336545, -103.27893, -103.97208, 2**-24, -(2**-25), -104),
        "log": neighbours(1, 2, 0.5, math.e, 2**-126, 3e38),
        # Multiples of pi/4, the change to the reduced angle, results next to +-1 and 0.
        "sin": neighbours(*[k * math.pi / 4 for k in [1, 2, 3, 4, 5, 6, 8, 1024, 1000003]], 2e-4),
        "cos": neighbours(*[k * math.pi / 4 for k in [1, 2, 3, 4, 5, 6, 8, 1024, 1000003]], 2e-4),
    }
    for function in ["exp", "log", "sin", "cos"]:
        rng = pack.rng(function)
        x = [spread(rng, low, high, 1024, signed) for low, high, signed in ranges[function]]
        add(pack, function, "Seeded arguments over the whole range.", [], function, np.concatenate(x))
        add(pack, f"{function}-special", "Special values and the borders of the ranges.",
            ["special"], function, np.concatenate([common, borders[function]]))
        add(pack, f"{function}-hard", "Arguments found by an exhaustive search.", ["hard"],
            function, pattern([int(x, 16) for x in hard[function]]))
    rng = pack.rng("exp-subnormal")
    add(pack, "exp-subnormal", "Subnormal results.", ["special"], "exp",
        rng.uniform(-104, -87.3, 512).astype(F32))
    rng = pack.rng("log-subnormal")
    add(pack, "log-subnormal", "Subnormal arguments.", ["special"], "log",
        pattern(rng.integers(1, NORMAL, 512)))


def add_pow(pack, hard):
    rng = pack.rng("pow")
    x = np.concatenate([spread(rng, -149, 128, 1536, False), spread(rng, -0.01, 0.01, 512, False)])
    y = (rng.uniform(-150, 129, x.size) / np.log2(x.astype(np.float64))).astype(F32)
    add(pack, "pow", "Seeded pairs with results from underflow to overflow.", [], "pow", x, y)
    x = spread(pack.rng("pow-subnormal"), -100, 100, 512, False)
    y = (rng.uniform(-150, -126, x.size) / np.log2(x.astype(np.float64))).astype(F32)
    add(pack, "pow-subnormal", "Subnormal results.", ["special"], "pow", x, y)

    rows = []
    for d in [2, 4, 6, 8, 10, 64, 80, 96, 128, 256]:
        exponents = np.arange(0, d, 2, dtype=F32) / F32(d)
        rows += [(theta, e) for theta in [1e4, 5e5, 1e6, 8e6] for e in exponents.tolist()]
    add(pack, "pow-rope", "Frequencies of rotary embeddings.", [], "pow", *zip(*rows))

    rows = [(x, y) for x in [2, 3, 5, 4097, 4095, 5793, 8191, 257, 1.5, 0.75, 6.25, 2**-20, 9 / 16]
            for y in [1, 2, 3, 4, 5, 8, 15, 16, -1, -2, -3, 0.5, 1.5, 0.25, 0.75, 1.25, -0.5, 0.125]]
    rows += [(x * x, y) for x in [4097, 4099, 3, 225, 4095] for y in [0.5, 1, 0.25, 1.5]]
    rows += [(-x, y) for x in [3, 4097, 0.5] for y in [2, 3, 5, -1, -2]]
    rows += [(2.0**k, y) for k in [1, -1, 2, 3, -7] for y in range(-152, 130, 3)]
    rows += [(259, 3), (263, 3), (267, 3), (-259, 3), (67081, 1.5), (4507, 2)]
    rows += [(3 * 2.0**-50, 3), (5 * 2.0**-50, 3), (7 * 2.0**-50, 3), (3 * 2.0**-75, 2)]
    rows += [(2, -149), (2, -149.5), (2, -150), (2, -150.5), (0.5, 150), (2, 128), (4, 64), (-2, -149)]
    add(pack, "pow-exact", "Exact powers, and powers that are midpoints: ties to even.", ["hard"],
        "pow", *zip(*rows))
    values = [0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, 2.5, 2**24 - 1, 2**24, -(2**24 - 1), 2**127]
    values += [INF, -INF, NAN, -1.5, 1e-45, -1e-45, 3.4e38, 1 + 2**-23, 1 - 2**-24, 2**31 + 256.0]
    rows = [(x, y) for x in values for y in values]
    add(pack, "pow-special", "The special cases of C99, huge and odd exponents.", ["special"], "pow",
        *zip(*rows))
    columns = zip(*[(int(x, 16), int(y, 16)) for x, y in hard["pow"]])
    add(pack, "pow-hard", "Pairs found by a search of 10^8.", ["hard"], "pow",
        *[pattern(column) for column in columns])


def add_widening(pack):
    formats = {
        "bf16": ("BF16", ml_dtypes.bfloat16, np.uint16), "f16": ("F16", np.float16, np.uint16),
        "f8-e4m3": ("F8_E4M3", ml_dtypes.float8_e4m3fn, np.uint8),
        "f8-e5m2": ("F8_E5M2", ml_dtypes.float8_e5m2, np.uint8),
    }
    for name, (dtype, kind, raw) in formats.items():
        everything = np.arange(np.iinfo(raw).max + 1).astype(raw)
        chosen = everything
        if raw is np.uint16:  # every exponent with several significands, both signs
            step = {"bf16": 29, "f16": 61}[name]
            near = [b + d for b in [0, 0x400, 0x3C00, 0x7C00, 0x7F80, 0x8000] for d in range(-2, 3)]
            chosen = np.unique(np.concatenate([everything[::step], np.array(near).astype(raw)]))
        with np.errstate(invalid="ignore"):
            widened = everything.view(kind).astype(F32)
        bits = np.where(np.isnan(widened), math_truth.NAN, widened.view(np.uint32))
        stored = tensors.Stored(dtype, chosen.view(tensors.RAW[dtype]))
        pack.add(
            name=f"widen-{name}", operation="widen",
            comment=f"{dtype} to F32; the checksum covers all {everything.size} bit patterns.",
            inputs={"x": stored}, outputs={"y": pattern(bits[chosen])},
            parameters={"fnv1a_of_all": f"{fnv1a(bits.astype('<u4').tobytes()):016x}"},
            flags=["exact", "special"],
        )


def fnv1a(data):
    """FNV-1a, 64 bits: of the results of all bit patterns in ascending order, as little-endian
    binary32, NaN as 7fc00000."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def main():
    hard = json.loads((Path(__file__).parent / "math_hard_cases.json").read_text())
    pack = golden.Pack("math", "make_math.py")
    add_one_argument(pack, hard)
    add_pow(pack, hard)
    add_widening(pack)
    for case in pack.cases:
        case["source"]["mpmath"] = mpmath.__version__
        case["source"]["ml_dtypes"] = ml_dtypes.__version__
    pack.write(FLAGS)


if __name__ == "__main__":
    main()
