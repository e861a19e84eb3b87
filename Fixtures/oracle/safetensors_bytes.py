"""Puts safetensors files together byte by byte. Imported by make_safetensors.py, not run."""

import json
import struct


def entry(name, dtype, shape, begin, end):
    """The text of one tensor in a header."""
    shape = json.dumps(shape, separators=(",", ":"))
    offsets = f"[{begin},{end}]"
    return f'{json.dumps(name)}:{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}'


def file_of(header, data=b"", declared=None):
    """A file with this header; `declared` replaces the true length in the prefix."""
    if isinstance(header, str):
        header = header.encode()
    return struct.pack("<Q", len(header) if declared is None else declared) + header + data
