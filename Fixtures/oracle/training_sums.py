"""Sums over the rows of a step: a total goes on from batch to batch, blocks begin anew with each.

    total = +0;  for each batch: for each block of 128 rows: total = total + s of the block

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- `contract.dot` of one block is +0 + s. A total is never -0, so adding that is adding s.
- A batch without a row that counts adds nothing.
"""

import numpy as np

import contract

F32 = np.float32


def add_rows(total, a, b):
    """total + the sum over rows, the first axis, of a * b; the other axes broadcast to total's."""
    for start in range(0, len(a), contract.BLOCK):
        rows = slice(start, start + contract.BLOCK)
        total = total + contract.dot(np.moveaxis(a[rows], 0, -1), np.moveaxis(b[rows], 0, -1))
    return total


def add_outer(total, a, b):
    """total [n, k] + the sum over rows of a [T, n] by b [T, k]: the gradient of a matrix."""
    return add_rows(total, a[:, :, None], b[:, None, :])


def add_values(total, values):
    """total + the sum of numbers: a dot product with ones."""
    return add_rows(total, values, np.ones(len(values), F32))


def square_sum(tensor):
    """dot(g, g) over all elements. Blocks do not meet before they are added: they run abreast."""
    flat = tensor.reshape(-1)
    whole = len(flat) // contract.BLOCK * contract.BLOCK
    blocks, rest = flat[:whole].reshape(-1, contract.BLOCK), flat[whole:]
    total = F32(0)
    for s in contract.dot(blocks, blocks):
        total = total + s
    return total + contract.dot(rest, rest) if len(rest) else total
