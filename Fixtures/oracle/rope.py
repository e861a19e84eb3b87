"""Rotary positions, half-split, every step rounded to binary32.

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- theta, factor, low, high and old are rounded to binary32 first; old/low and old/high are
  binary32 divisions, and so is every other step of llama3's rule.
- llama3, as Transformers: wavelen > old/low: inv / factor; wavelen < old/high: inv; what is
  neither (both borders included) is the middle band.
- pos is rounded to binary32 (exact below 2^24).
- The first half is x1*cos + (-x2)*sin, the second x2*cos + x1*sin; a negation is exact.
"""

import numpy as np

import functions

F32 = np.float32


def frequencies(head_dim, theta, scaling):
    """inv_freq [head_dim / 2]; `scaling` is Hugging Face's rope_scaling object or None."""
    e = np.arange(0, head_dim, 2).astype(F32) / F32(head_dim)
    inv = F32(1) / functions.pow(F32(theta), e)
    kind = scaling_type(scaling)
    if kind == "default":
        return inv
    factor = F32(scaling["factor"])
    if kind == "linear":
        return inv / factor
    if kind != "llama3":
        raise ValueError(f"rope type {kind} is not supported")
    low, high = F32(scaling["low_freq_factor"]), F32(scaling["high_freq_factor"])
    old = F32(scaling["original_max_position_embeddings"])
    wavelen = F32(2 * np.pi) / inv
    s = (old / wavelen - low) / (high - low)
    middle = ((F32(1) - s) * inv) / factor + s * inv
    return np.where(
        wavelen > old / low, inv / factor, np.where(wavelen < old / high, inv, middle)
    )


def scaling_type(scaling):
    if scaling is None:
        return "default"
    return scaling.get("rope_type", scaling.get("type", "default"))


def tables(positions, inv_freq):
    """cos and sin [T, head_dim / 2] of the angles pos * inv."""
    angles = np.asarray(positions).astype(F32)[:, None] * inv_freq[None, :]
    return functions.cos(angles), functions.sin(angles)


def rotate(x, cos, sin):
    """x [T, heads, d]; cos, sin [T, d / 2]."""
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    cos, sin = cos[:, None, :], sin[:, None, :]
    with np.errstate(all="ignore"):
        return np.concatenate(
            [first * cos + (-second) * sin, second * cos + first * sin], axis=-1
        )
