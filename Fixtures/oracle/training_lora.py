"""Gradients of routed adapters on one linear layer: of its input, the gate logits, A and B.

    u_i = B_i^T dy     h_i = s_i * dot(u_i, z_i)     delta = fma(c_i, dot(A_i^T, u_i), delta)
    e = dot over the chosen of (w, h)                dg[i] = dg[i] + (w_i * (h_i - e)) / T

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- An adapter that lacks the module counts in e with h = +0, and gets (w * (0 - e)) / T.
- The gate's term is added to dx in every routed module, also where all of dg is +0.
- T is rounded to binary32.
- Dropout: z = A (x * mask), and dA has that product in place of x; delta is masked after the dot.
"""

from dataclasses import dataclass

import numpy as np

import contract

F32 = np.float32


@dataclass
class AdapterRows:
    """Of the rows that chose an adapter: dA = sum over rows of cu by x, dB of dy by cz."""

    cu: np.ndarray  # [rows, r]
    x: np.ndarray  # [rows, in], masked
    dy: np.ndarray  # [rows, out]
    cz: np.ndarray  # [rows, r]


def of_update(x, dy, selected, weights, adapters, scalings, masks=None):
    """delta [T, in], h [T, k] and AdapterRows by adapter.

    `adapters` maps an adapter's index to (A [r, in], B [out, r]); `masks` to [T, in].
    """
    delta, h, rows = np.zeros_like(x), np.zeros(selected.shape, F32), {}
    for i in sorted(adapters):
        tokens, slots = np.nonzero(selected == i)
        a, b = adapters[i]
        mask = None if masks is None else masks[i][tokens]
        inputs = x[tokens] if mask is None else x[tokens] * mask
        z = contract.products(inputs, a)
        u = contract.products(dy[tokens], b.T)
        h[tokens, slots] = scalings[i] * contract.dot(u, z)
        c = (weights[tokens, slots] * scalings[i])[:, None]
        back = contract.products(u, a.T)
        if mask is not None:
            back = back * mask
        delta[tokens] = contract.fma32(c, back, delta[tokens])
        rows[i] = AdapterRows(c * u, inputs, dy[tokens], c * z)
    return delta, h, rows


def of_gate_logits(loss, selected, weights, h, temperature):
    """dg [T, L]; `loss` [T, L] is the gradient of the gate loss."""
    dg, count = loss.copy(), selected.shape[1]
    if count > 1:
        ascending = np.argsort(selected, axis=1)
        e = contract.dot(*(np.take_along_axis(each, ascending, axis=1) for each in (weights, h)))
        through = (weights * (h - e[:, None])) / F32(temperature)
        at = np.arange(len(dg))[:, None], selected
        dg[at] = dg[at] + through
    return dg


def of_input(base, delta, dg=None, gate=None):
    """dx [T, in]; without gates (one adapter alone) the last term is left out."""
    dx = base + delta
    return dx if gate is None else dx + contract.products(dg, gate.T)
