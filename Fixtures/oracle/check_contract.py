"""Checks the emulated arithmetic against exact fractions (and against the C library's fmaf), and
the functions against mpmath at 400 bits; pow, special cases of C99 included, against math_truth.py.

    python check_contract.py        (pip install -r requirements-numpy.txt)
"""

import ctypes
import ctypes.util
from fractions import Fraction

import numpy as np

import contract
import functions
import math_truth

F32 = np.float32


def random_floats(rng, count):
    """Any bit pattern, mixed with numbers of ordinary size and with few significant bits."""
    wild = rng.integers(0, 2**32, count, dtype=np.uint64).astype(np.uint32).view(F32)
    tame = rng.standard_normal(count).astype(F32)
    short = (rng.integers(-4096, 4096, count) * 2.0 ** rng.integers(-30, 30, count)).astype(F32)
    return np.choose(rng.integers(0, 3, count), [wild, tame, short])


def check_fma():
    rng = np.random.default_rng(1)
    a, b, c = (random_floats(rng, 2_000_000) for _ in range(3))
    # Half of the addends nearly cancel the product or sit 24 bits below it: hard roundings.
    with np.errstate(all="ignore"):
        near = (-(a * b) * F32(2.0) ** rng.integers(-26, 2, len(a)).astype(F32)).astype(F32)
    c = np.where(rng.random(len(a)) < 0.5, near, c)
    ours = contract.fma32(a, b, c)
    library = ctypes.CDLL(ctypes.util.find_library("m")).fmaf
    library.argtypes, library.restype = [ctypes.c_float] * 3, ctypes.c_float
    theirs = np.array([library(*t) for t in zip(a.tolist(), b.tolist(), c.tolist())], F32)
    equal = (ours.view(np.uint32) == theirs.view(np.uint32)) | (np.isnan(ours) & np.isnan(theirs))
    assert equal.all(), np.flatnonzero(~equal)[:5]
    finite = np.flatnonzero(np.isfinite(a) & np.isfinite(b) & np.isfinite(c))[:20_000]
    for i in finite:
        exact = Fraction(float(a[i])) * Fraction(float(b[i])) + Fraction(float(c[i]))
        assert functions.round_to_float32(exact) == ours[i], (a[i], b[i], c[i])
    print("fma32: 2000000 equal to fmaf, 20000 equal to the rounded fraction")


def check_functions():
    rng = np.random.default_rng(2)
    x = (rng.standard_normal(3000) * 30).astype(F32)
    for name, at in [("exp", x), ("log", np.abs(x)), ("sin", x * 4000), ("cos", x * 4000)]:
        values = getattr(functions, name)(at)
        for argument, value in zip(at.tolist(), values):
            assert functions._decide(getattr(functions.mpmath, name), (argument,)) == value
    print("exp, log, sin, cos: 3000 arguments equal to mpmath's at 400 bits")


def check_pow():
    inf, nan = np.inf, np.nan
    values = [0, 0.5, 1, 1.5, 2, 3, 2.5, 2**24 - 1, 2**24, 2**31 + 256, 2**127, 3.4e38, 1e-45, inf]
    values = F32(values + [-value for value in values] + [nan, 1 + 2**-23, 1 - 2**-24])
    x, y = (grid.ravel() for grid in np.meshgrid(values, values))
    rng = np.random.default_rng(3)
    bases, exponents = np.exp2(rng.uniform(-40, 40, 3000)), rng.uniform(-5, 5, 3000)
    few = rng.integers(1, 4096, 1000), rng.choice([0.5, 1.5, 2, -1, 3, 0.25, -0.5], 1000)
    x, y = (np.concatenate(parts).astype(F32) for parts in zip((x, y), (bases, exponents), few))
    for argument, exponent, value in zip(x.tolist(), y.tolist(), functions.pow(x, y)):
        expected = math_truth.truth("pow", argument, exponent)
        equal = math_truth.bits(value) == expected
        assert equal or expected == math_truth.NAN and np.isnan(value), (argument, exponent, value)
    print(f"pow: {len(x)} pairs equal to math_truth.py's, {values.size**2} of them special")


if __name__ == "__main__":
    check_fma()
    check_functions()
    check_pow()
