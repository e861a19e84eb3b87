"""The gate's choice: the k largest logits of a token, and their weights.

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- NaN ranks above +inf and all NaN are equal; equal logits: the lower adapter index first.
- m = max of t; a NaN or +inf among the selected makes every weight of the token NaN (k >= 2).
- k = 1: the weight is 1 by rule, also for NaN and infinite logits.
- T is rounded to binary32 and divides each selected logit.
- `allowed` (ascending indices): the choice and the weights of a gate that has their rows alone; the
  indices are those of all adapters.
"""

import math

import numpy as np

import contract
import functions

F32 = np.float32


def top_k(logits, k):
    """logits [T, L] -> selected int64 [T, k], descending logit."""
    rows = []
    for row in logits.tolist():
        rank = lambda i: (0, 0.0, i) if math.isnan(row[i]) else (1, -row[i], i)
        rows.append(sorted(range(len(row)), key=rank)[:k])
    return np.array(rows, np.int64).reshape(len(logits), k)


def weights(logits, selected, temperature):
    """softmax(selected logits / T), aligned with `selected`; D in ascending adapter index."""
    if selected.shape[1] == 1:
        return np.ones(selected.shape, F32)
    ascending = np.argsort(selected, axis=1)
    with np.errstate(all="ignore"):
        t = np.take_along_axis(logits, selected, axis=1) / F32(temperature)
        e = functions.exp(t - t.max(axis=1, keepdims=True))
        d = contract.dot(np.take_along_axis(e, ascending, axis=1), np.ones(e.shape[1], F32))
        return e / d[:, None]


def route(logits, k, temperature, allowed=None):
    if allowed is not None:
        selected, chosen_weights = route(logits[:, allowed], k, temperature)
        return np.asarray(allowed, np.int64)[selected], chosen_weights
    selected = top_k(logits, k)
    return selected, weights(logits, selected, temperature)
