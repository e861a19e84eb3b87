"""Causal attention over the sequences of a batch, one after the other.

score = dot(q, k) * f with f = f32(1 / sqrt(f64(d))); softmax over exactly the positions that the
token may see, counted from the sequence's own first token; the probabilities, already divided,
weight v in one dot product over the positions.
(pip install -r requirements-numpy.txt; imported, not run.)
"""

import numpy as np

import contract

F32 = np.float32


def attention(q, k, v, lengths):
    """q [T, heads, d], k and v [T, kv_heads, d], T = sum(lengths) -> [T, heads, d]."""
    parts, start = [], 0
    for length in lengths:
        rows = slice(start, start + length)
        parts.append(attend(q[rows], k[rows], v[rows], first=0))
        start += length
    return np.concatenate(parts)


def attend(q, k, v, first):
    """One sequence: query row i stands at position first + i and sees positions 0 ... first + i."""
    count, heads, d = q.shape
    group = heads // k.shape[1]
    factor = F32(1 / np.sqrt(np.float64(d)))
    visible = first + 1 + np.arange(count)
    y = np.empty_like(q)
    for head in range(heads):
        keys, values = k[:, head // group], v[:, head // group]
        with np.errstate(all="ignore"):
            scores = contract.products(q[:, head], keys) * factor
        p = contract.softmax(scores, visible)
        y[:, head] = contract.dot(p[:, None, :], values.T[None], visible[:, None])
    return y
