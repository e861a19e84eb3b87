"""Gradients of the linear layer, RMSNorm, SiLU * up and RoPE.

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- Every step is one rounding; nothing is fused.
- H and eps of RMSNorm are binary32 numbers, as in the forward pass.
"""

import numpy as np

import contract
import functions

F32 = np.float32


def linear_input(dy, weight):
    """dx[t, k] = dot over outputs of (dy[t], weight[:, k])."""
    return contract.products(dy, weight.T)


def rms_norm(x, weight, eps, dy):
    """dx [T, H], and the n [T, H] with which dw = dot over rows of (dy, n)."""
    width = F32(x.shape[-1])
    r = (F32(1) / np.sqrt(contract.dot(x, x) / width + F32(eps)))[:, None]
    n = x * r
    a = weight * dy
    q = (contract.dot(a, n) / width)[:, None]
    return (a - n * q) * r, n


def silu_mul(gate, up, dy):
    """dgate and dup."""
    one = F32(1)
    with np.errstate(over="ignore"):
        q = one + functions.exp(-gate)
        sigma = one / q
        s = gate / q
        return (dy * up) * (sigma * (one + gate * (one - sigma))), dy * s


def rotate(dy, cos, sin):
    """dy [T, heads, d]; cos, sin [T, d / 2]."""
    half = dy.shape[-1] // 2
    first, second = dy[..., :half], dy[..., half:]
    cos, sin = cos[:, None, :], sin[:, None, :]
    return np.concatenate([first * cos + second * sin, second * cos + (-first) * sin], axis=-1)
