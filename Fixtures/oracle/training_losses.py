"""Cross-entropy of labelled rows, its gradient, and what a step's rows are labelled with.

    m = max z    e = exp(z - m)    D = dot(e, 1)    loss = (m + log D) - z[y]
    dz[v] = (e[v] / D - (v = y ? 1 : 0)) * scale

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- Counts (N, M) and beta are rounded to binary32; 1 / N is one rounding, beta * (1 / M) two.
- A sum of losses is divided by its count once, at the end of the step.
- loss = LM + beta * G: two roundings.
- The counts of a step without any label are 0; that is refused.
"""

import numpy as np

import contract
import functions

F32 = np.float32


def cross_entropy(logits, labels, scale):
    """logits [R, V], labels [R] -> losses [R], gradient [R, V]."""
    rows = np.arange(len(labels))
    m = logits.max(axis=1)
    e = functions.exp(logits - m[:, None])
    d = contract.dot(e, np.ones(e.shape[1], F32))
    losses = (m + functions.log(d)) - logits[rows, labels]
    p = e / d[:, None]
    p[rows, labels] = p[rows, labels] - F32(1)
    return losses, p * scale


def language_scale(count):
    assert count > 0, "no token counts for the loss"
    return F32(1) / F32(count)


def gate_scale(beta, count):
    assert count > 0, "no row is labelled for the gates"
    return F32(beta) * (F32(1) / F32(count))


def mean(total, count):
    return F32(total) / F32(count)


def whole(language, gate, beta):
    return language + F32(beta) * gate


def next_of(sequences):
    """What belongs to the token behind each row, -1 for the last row of a sequence."""
    return np.concatenate([np.append(values[1:], -1) for values in sequences])
