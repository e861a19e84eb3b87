"""Gradients of causal attention over the sequences of a batch.

    dP[j] = dot(dy, v[j])    t = dot(P, dP)    dS[j] = (P[j] * (dP[j] - t)) * f    dq = dot(dS, k)
    dk[j] = dot over (h, p) of (dS, q)         dv[j] = dot over (h, p) of (P, dy)

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- The sums of dk and dv run over the index h * T + p, with h counted within the group and T the
  length of the sequence; blocks are cut by that index. Positions that do not see j add nothing:
  here 0 * 0, which changes no total.
"""

import numpy as np

import contract

F32 = np.float32


def gradients(q, k, v, dy, lengths):
    """q, dy [T, heads, d], k and v [T, kv_heads, d], T = sum(lengths) -> dq, dk, dv."""
    parts, start = [], 0
    for length in lengths:
        rows = slice(start, start + length)
        parts.append(_sequence(q[rows], k[rows], v[rows], dy[rows]))
        start += length
    return tuple(np.concatenate(each) for each in zip(*parts))


def _sequence(q, k, v, dy):
    group = q.shape[1] // k.shape[1]
    dq, dk, dv = np.empty_like(q), np.empty_like(k), np.empty_like(v)
    for kv_head in range(k.shape[1]):
        probabilities, scores = [], []
        heads = range(kv_head * group, (kv_head + 1) * group)
        for head in heads:
            p, ds, dq[:, head] = of_scores(q[:, head], k[:, kv_head], v[:, kv_head], dy[:, head])
            probabilities.append(p)
            scores.append(ds)
        dk[:, kv_head] = over_queries(scores, [q[:, head] for head in heads])
        dv[:, kv_head] = over_queries(probabilities, [dy[:, head] for head in heads])
    return dq, dk, dv


def of_scores(q, k, v, dy):
    """Of one head: P and dS [T, T] by (p, j), +0 where p does not see j, and dq [T, d]."""
    visible = 1 + np.arange(len(q))
    exists = np.arange(len(q)) < visible[:, None]
    f = F32(1 / np.sqrt(np.float64(q.shape[1])))
    with np.errstate(all="ignore"):
        p = contract.softmax(contract.products(q, k) * f, visible)
        dp = contract.products(dy, v)
        t = contract.dot(p, dp, visible)
        ds = np.where(exists, (p * (dp - t[:, None])) * f, F32(0))
    return p, ds, contract.dot(ds[:, None, :], k.T[None], visible[:, None])


def over_queries(factors, vectors):
    """For every j one sum over h * T + p; of each h factors [T, T] by (p, j) and vectors [T, d]."""
    count = len(factors[0])
    a = np.concatenate(factors).T[:, None, :]
    b = np.concatenate(vectors).T[None, :, :]
    p = np.tile(np.arange(count), len(factors))
    seen = p[None, None, :] >= np.arange(count)[:, None, None]
    return contract.dot(np.where(seen, a, F32(0)), np.where(seen, b, F32(0)))
