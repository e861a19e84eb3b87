"""Dot products as they are tempting to write. None keeps the contract.

The case scripts run an operation again with one of these in place of `contract.dot` and assert
that the bits change (ordered cases) or that they do not (exact cases).
(pip install -r requirements-numpy.txt; imported, not run.)
"""

from unittest import mock

import numpy as np

import contract

F32 = np.float32


def instead(wrong_dot, operation):
    """What `operation()` gives with `wrong_dot` as the dot product."""
    with mock.patch.object(contract, "dot", wrong_dot):
        return operation()


def blocks_of(size):
    return lambda a, b, lengths=None: contract.chain(a, b, lengths, block=size, fused=True)


def unfused(a, b, lengths=None):
    return contract.chain(a, b, lengths, block=contract.BLOCK, fused=False)


def reversed_blocks(a, b, lengths=None):
    return _blocks_summed(a, b, lengths, lambda sums: _sequential(sums[::-1]))


def pairwise_blocks(a, b, lengths=None):
    return _blocks_summed(a, b, lengths, _pairwise)


def lanes(a, b, lengths=None):
    """Vectorised over k: 16 partial sums, added pairwise at the end."""
    a, b = _visible(a, b, lengths)
    parts = [
        contract.chain(a[..., i::16], b[..., i::16], None, block=10**9, fused=True)
        for i in range(16)
    ]
    return _pairwise(parts)


def binary64(a, b, lengths=None):
    a, b = _visible(a, b, lengths)
    return (a.astype(np.float64) * b.astype(np.float64)).sum(axis=-1).astype(F32)


# Name -> wrong dot product, and the K from which it can be told from the right one.
WRONG_DOTS = {
    "blocks of 64": (blocks_of(64), 65),
    "one chain without blocks": (blocks_of(10**9), 129),
    "blocks of 256": (blocks_of(256), 129),
    "blocks summed last to first": (reversed_blocks, 257),
    "blocks summed pairwise": (pairwise_blocks, 385),
    "product rounded before the addition": (unfused, 2),
    "16 partial sums": (lanes, 17),
    "sum in binary64": (binary64, 3),
}


def wrong_dots(count, *names):
    """The named wrong dot products (all without names) that can show at length `count`."""
    return {
        name: dot
        for name, (dot, shows_from) in WRONG_DOTS.items()
        if count >= shows_from and (not names or name in names)
    }


def _visible(a, b, lengths):
    a, b = np.broadcast_arrays(np.asarray(a, F32), np.asarray(b, F32))
    if lengths is None:
        return a, b
    exists = np.arange(a.shape[-1]) < np.asarray(lengths)[..., None]
    return np.where(exists, a, F32(0)), np.where(exists, b, F32(0))


def _blocks_summed(a, b, lengths, summed):
    a, b = _visible(a, b, lengths)
    starts = range(0, a.shape[-1], contract.BLOCK)
    cut = [(a[..., s : s + contract.BLOCK], b[..., s : s + contract.BLOCK]) for s in starts]
    return summed([contract.chain(*part, None, contract.BLOCK, True) for part in cut])


def _sequential(sums):
    total = F32(0)
    for s in sums:
        total = total + s
    return total


def _pairwise(sums):
    while len(sums) > 1:
        pairs = [sums[i] + sums[i + 1] for i in range(0, len(sums) - 1, 2)]
        sums = pairs + sums[len(sums) - len(sums) % 2 :]
    return F32(0) + sums[0]
