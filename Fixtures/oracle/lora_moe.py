"""Many LoRA adapters on one linear layer, a few of them chosen per token.

    z = A_i x     c_i = w_i * s_i     delta = fma(c_i, dot(B_i, z), delta), i ascending, from +0
    y = base + delta
(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- y = base + delta is done for every token, also when every chosen adapter lacks the module:
  delta is +0 then, and a base of -0 becomes +0.
- An adapter that lacks the module is skipped: no fma with a zero.
- A single adapter (no gates) is the same rule with one adapter and w = 1: c = s.
"""

import math

import numpy as np

import contract

F32 = np.float32


def scaling(alpha, rank, use_rslora):
    """s = f32(alpha / r), or f32(alpha / sqrt(r)), in binary64."""
    return F32(float(alpha) / (math.sqrt(rank) if use_rslora else float(rank)))


def delta(x, selected, weights, adapters, scalings, out_features):
    """x [T, in]; `adapters` maps an adapter's index to (A [r, in], B [out, r])."""
    result = np.zeros((len(x), out_features), F32)
    for i in sorted(adapters):
        tokens, slots = np.nonzero(selected == i)  # tokens ascending, one slot each
        if len(tokens) == 0:
            continue
        a, b = adapters[i]
        up = contract.products(contract.products(x[tokens], a), b)
        c = weights[tokens, slots] * scalings[i]
        result[tokens] = contract.fma32(c[:, None], up, result[tokens])
    return result
