"""The arithmetic contract: fused multiply-add, the blocked dot product, and what is made of it.

Everything is IEEE-754 binary32, round to nearest even; what is not fused below is not fused.
`fma32` is emulated exactly, so the bits do not depend on the machine this runs on:
a product of two binary32 numbers is exact in binary64; the sum with the third number is rounded
to *odd* in binary64 (TwoSum tells whether it was inexact), and 53 >= 24 + 2 bits make the last
rounding to binary32 the only one that counts.
(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- RMSNorm: H and eps are binary32 numbers: r = 1 / sqrt(ss / f32(H) + f32(eps)).
- SiLU: -x is exact, so exp(-x), 1 + ., x / ., . * u are four roundings in that order.
- softmax: with a NaN, with +inf, or with nothing but -inf, the whole row is NaN.
- A linear layer without columns (K = 0) gives +0 (+ bias).
"""

import numpy as np

import functions

BLOCK = 128
F32, F64 = np.float32, np.float64


def fma32(a, b, c):
    """round(a * b + c), one rounding; arrays broadcast."""
    with np.errstate(all="ignore"):
        return _narrow(np.asarray(a, F32).astype(F64) * np.asarray(b, F32).astype(F64), F64(c))


def dot(a, b, lengths=None):
    """dot(a, b) over the last axis, the others broadcast; with `lengths` only k < length counts.

    total = +0; for each block of 128 { s = +0; for k ascending { s = fma(a[k], b[k], s) };
    total = total + s }
    """
    return chain(a, b, lengths, block=BLOCK, fused=True)


def chain(a, b, lengths, block, fused):
    """`dot` with the size of a block and the fusing left open, so that wrong ones can be tried."""
    a, b = np.asarray(a, F32), np.asarray(b, F32)
    count = a.shape[-1]
    shape = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    a = np.ascontiguousarray(np.moveaxis(a, -1, 0), F64)
    b = np.ascontiguousarray(np.moveaxis(b, -1, 0), F64)
    total = np.zeros(shape, F64)
    with np.errstate(all="ignore"):
        for start in range(0, count, block):
            s = np.zeros(shape, F64)
            for k in range(start, min(start + block, count)):
                product = a[k] * b[k]
                if not fused:
                    product = product.astype(F32).astype(F64)
                following = _narrow(product, s).astype(F64)
                s = following if lengths is None else np.where(k < lengths, following, s)
            # The sum of two binary32 numbers in binary64, then rounded, is rounded correctly.
            following = (total + s).astype(F32).astype(F64)
            total = following if lengths is None else np.where(start < lengths, following, total)
    return total.astype(F32)


def products(x, weight):
    """y[t, n] = dot(x[t], weight[n])."""
    return dot(x[:, None, :], weight[None, :, :])


def linear(x, weight, bias=None):
    """x [T, in], weight [out, in], bias [out]: the dot product, then one addition."""
    y = products(x, weight)
    return y if bias is None else y + bias


def rms_norm(x, weight, eps):
    """r = 1 / sqrt(ss / H + eps), y = w * (x * r)."""
    ss = dot(x, x)
    with np.errstate(all="ignore"):
        r = F32(1) / np.sqrt(ss / F32(x.shape[-1]) + F32(eps))
        return weight * (x * r[:, None])


def silu_mul(gate, up):
    """(x / (1 + exp(-x))) * u."""
    with np.errstate(all="ignore"):
        return (gate / (F32(1) + functions.exp(-gate))) * up


def softmax(x, lengths=None):
    """m = max; e_i = exp(x_i - m); D = dot(e, 1); p_i = e_i / D, over the last axis.

    With `lengths` only the first `length` entries exist; the others come out as +0.
    """
    count = x.shape[-1]
    exists = np.ones(x.shape, bool) if lengths is None else np.arange(count) < lengths[..., None]
    with np.errstate(all="ignore"):
        m = np.max(np.where(exists, x, F32(-np.inf)), axis=-1, keepdims=True, initial=-np.inf)
        e = np.where(exists, functions.exp(np.where(exists, x, F32(0)) - m.astype(F32)), F32(0))
        e = e.astype(F32)
        d = dot(e, np.ones(count, F32), lengths)
        return np.where(exists, e / d[..., None], F32(0)).astype(F32)


def _narrow(product, addend):
    """product + addend (binary64 arrays, exact inputs) rounded once to binary32."""
    total = np.asarray(product + addend)
    part = total - product
    error = (product - (total - part)) + (addend - part)
    bits = total.view(np.int64)
    inexact_even = (error != 0) & ((bits & 1) == 0) & np.isfinite(total)
    step = np.where((error > 0) == (total > 0), 1, -1)  # away from zero, or towards it
    return (bits + np.where(inexact_even, step, 0)).view(F64).astype(F32)
