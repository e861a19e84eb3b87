"""Tensors as they are stored: a dtype name and the raw numbers; safetensors files of them.

`Stored.f32` is the value after widening, which is exact. (pip install -r requirements-numpy.txt;
imported, not run.)
"""

import json
import struct
from pathlib import Path

import numpy as np

RAW = {"F32": "<f4", "BF16": "<u2", "F16": "<f2", "I64": "<i8", "F64": "<f8"}
RAW |= {"F8_E4M3": "u1", "F8_E5M2": "u1", "U8": "u1"}  # raw bits only


class Stored:
    def __init__(self, dtype, raw):
        self.dtype, self.raw = dtype, np.ascontiguousarray(raw, RAW[dtype])

    @property
    def shape(self):
        return list(self.raw.shape)

    @property
    def f32(self):
        if self.dtype == "BF16":
            return (self.raw.astype(np.uint32) << 16).view(np.float32)
        return self.raw.astype(np.float32)


def store(values, dtype=None):
    """Rounds binary32 values to `dtype` (nearest even); integers become I64."""
    values = np.asarray(values)
    if values.dtype.kind in "iu":
        return Stored("I64", values)
    if dtype != "BF16":
        return Stored(dtype or "F32", values)
    bits = values.astype(np.float32).reshape(-1).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return Stored("BF16", rounded.astype(np.uint16).reshape(values.shape))


def write(path, tensors, metadata=None):
    """Widest elements first, then by name, so that every tensor is aligned."""
    order = sorted(tensors, key=lambda name: (-tensors[name].raw.itemsize, name.encode()))
    header, offset = {"__metadata__": metadata} if metadata else {}, 0
    for name in order:
        end = offset + tensors[name].raw.nbytes
        header[name] = {
            "dtype": tensors[name].dtype,
            "shape": tensors[name].shape,
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            file.write(tensors[name].raw.tobytes())


def read(path):
    data = Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        raw = np.frombuffer(data[start:end], RAW[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = Stored(entry["dtype"], raw)
    return tensors
