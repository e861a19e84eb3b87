"""Runs the NumPy executor's own code in binary64: what is left then are its formulas.

Within `arithmetic()` the name F32 of every module means binary64, a dot product is NumPy's, fma is
not fused and the elementary functions are the C library's. For checks only: nothing is made so.
(Imported by check_training.py.)
"""

import contextlib
import sys
from unittest import mock

import numpy as np

import contract
import functions
import tensors

F64 = np.float64


def dot(a, b, lengths=None):
    a, b = np.broadcast_arrays(np.asarray(a, F64), np.asarray(b, F64))
    products = a * b
    if lengths is not None:
        exists = np.arange(a.shape[-1]) < np.asarray(lengths)[..., None]
        products = np.where(exists, products, 0)
    return products.sum(axis=-1)


@contextlib.contextmanager
def arithmetic():
    with contextlib.ExitStack() as stack:
        swap = lambda holder, name, value: stack.enter_context(
            mock.patch.object(holder, name, value))
        for module in list(sys.modules.values()):
            if getattr(module, "F32", None) is np.float32:
                swap(module, "F32", F64)
        swap(contract, "dot", dot)
        swap(contract, "fma32", lambda a, b, c: a * b + c)
        for name, function in [("exp", np.exp), ("log", np.log), ("sin", np.sin),
                               ("cos", np.cos), ("pow", np.power)]:  # fmt: skip
            swap(functions, name, function)
        narrow = tensors.Stored.f32.fget
        swap(tensors.Stored, "f32", property(lambda self: narrow(self).astype(F64)))
        yield
