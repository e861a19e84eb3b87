"""The norm of all gradients of a step, and their clipping.

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- The largest norm M and 1e-6 are rounded to binary32; M / (norm + 1e-6) is two roundings.
- Names are compared as UTF-8 bytes.
"""

import numpy as np

import training_sums

F32 = np.float32


def norm_of(gradients):
    """`gradients` maps names to arrays."""
    total = F32(0)
    for name in sorted(gradients, key=str.encode):
        total = total + training_sums.square_sum(gradients[name])
    return np.sqrt(total)


def clipped(gradients, norm, max_norm):
    """The same arrays if `norm` is not too large."""
    c = F32(max_norm) / (norm + F32(1e-6))
    return {name: g * c for name, g in gradients.items()} if c < F32(1) else gradients
