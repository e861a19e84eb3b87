"""How the next token is drawn, step by step, for one row of logits.

    repetition penalty, n-gram block, / temperature, top-k, top-p, softmax, inverse CDF

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- A cumulative sum C(n) is the dot product of the first n elements with ones, blocks of 128 counted
  from the first: in top-p by rank, in the inverse CDF by id.
- If the largest logit is infinite after the division, those that were the largest before it become
  0, all others -inf: the limit of small temperatures.
- Top-p of 1 removes nothing; if no prefix comes to p, nothing is removed either.
- u is the upper 24 bits of the first word of Philox4x32-10, counter (step, 0), key seed, times
  2**-24; the draw is the lowest i with f32(u * C(V)) < C(i + 1).
"""

import numpy as np

import contract
import generation

F32 = np.float32
INF = F32(np.inf)


def cumulative(q, block=contract.BLOCK):
    """C(1) ... C(N) of a vector."""
    total, parts = F32(0), []
    for start in range(0, len(q), block):
        s = np.add.accumulate(q[start : start + block], dtype=F32)  # one after the other
        parts.append(total + s)
        total = parts[-1][-1]
    return np.concatenate(parts) if parts else np.zeros(0, F32)


def repetition_penalty(logits, ids, penalty):
    out, penalty = logits.copy(), F32(penalty)
    for i in sorted({int(i) for i in ids}):
        with np.errstate(all="ignore"):
            out[i] = out[i] * penalty if out[i] < 0 else out[i] / penalty
    return out


def ngram_block(logits, ids, size):
    out = logits.copy()
    out[sorted(generation.barred([int(i) for i in ids], size))] = -INF
    return out


def scale(logits, temperature):
    with np.errstate(all="ignore"):
        out = logits / F32(temperature)
    largest = out.max()
    return np.where(logits == logits.max(), F32(0), -INF) if np.isinf(largest) else out


def top_k(logits, k):
    if not 0 < k < len(logits):
        return logits.copy()
    return np.where(logits >= np.sort(logits)[-k], logits, -INF)


def ranked(logits):
    """Ids by descending logit, of equal ones the lower first."""
    return np.lexsort((np.arange(len(logits)), -logits))


def top_p(logits, p, block=contract.BLOCK):
    if F32(p) >= 1:
        return logits.copy()
    order = ranked(logits)
    enough = np.flatnonzero(cumulative(contract.softmax(logits)[order], block) >= F32(p))
    kept = order[: enough[0] + 1] if len(enough) else order
    out = np.full_like(logits, -INF)
    out[kept] = logits[kept]
    return out


def philox(counter, key):
    """Philox4x32-10 of Salmon et al. (2011), in Python's integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b % 2**32, (a >> 32) ^ c[3] ^ k[1], a % 2**32]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


def uniform(seed, step):
    seed, step = int(seed) % 2**64, int(step) % 2**64
    words = philox((step % 2**32, step >> 32, 0, 0), (seed % 2**32, seed >> 32))
    return F32((words[0] >> 8) / 2**24)


def inverse_cdf(p, u):
    c = cumulative(p)
    return int(np.flatnonzero(F32(u) * c[-1] < c)[0])


DEFAULTS = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0,
            "no_repeat_ngram_size": 0}  # fmt: skip


def penalized(logits, ids, parameters):
    p = {**DEFAULTS, **parameters}
    logits = repetition_penalty(logits, ids, p["repetition_penalty"])
    return ngram_block(logits, ids, p["no_repeat_ngram_size"])


def probabilities(logits, ids, parameters):
    p = {**DEFAULTS, **parameters}
    logits = scale(penalized(logits, ids, p), p["temperature"])
    return contract.softmax(top_p(top_k(logits, p["top_k"]), p["top_p"])[None])[0]


def choose(logits, ids, step, parameters):
    """The next id; the largest logit for temperature 0."""
    if parameters["temperature"] == 0:
        return int(np.argmax(penalized(logits, ids, parameters)))
    return inverse_cdf(probabilities(logits, ids, parameters), uniform(parameters["seed"], step))
