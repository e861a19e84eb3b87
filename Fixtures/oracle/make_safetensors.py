"""Writes golden/safetensors: files that the `safetensors` package made, and files that break rules.

    pip install -r requirements-safetensors.txt
    python make_safetensors.py

Three kinds of cases:
- `safetensors_read`: a file, and what a strict reader says of it. Broken files are put together
  here byte by byte from the text of the format; `parameters.package` records what the `safetensors`
  package says of the same bytes, which is sometimes milder than the text.
- `safetensors_write`: tensors and metadata, and the bytes that the `safetensors` package writes.
- `widen`: 8- and 16-bit floats and their binary32 values, converted by ml_dtypes and NumPy.
"""

import hashlib
import json
import re
import shutil

import ml_dtypes
import numpy as np
import safetensors
from safetensors import deserialize, serialize

import manifest
from safetensors_broken import BROKEN
from safetensors_bytes import entry, file_of

FOLDER = manifest.GOLDEN / "safetensors"
VERSIONS = {
    "script": "make_safetensors.py",
    "safetensors": safetensors.__version__,
    "numpy": np.__version__,
    "ml_dtypes": ml_dtypes.__version__,
}
FLAGS = {
    "exact": "Every sum is exact in binary32: any order and any fusing gives the same bits.",
    "bytes": "Bytes in or out: there is no arithmetic to round.",
    "package": "The file was written by the `safetensors` package; a reader that keeps the order "
    "of the metadata and writes the tensors again gets the same bytes.",
    "stricter": "The `safetensors` package takes the file, the text of the format forbids it.",
}

# Name in a header -> name that `serialize` takes.
DTYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2", "I16": "int16", "U16": "uint16", "F16": "float16",
    "BF16": "bfloat16", "I32": "int32", "U32": "uint32", "F32": "float32", "I64": "int64",
    "U64": "uint64", "F64": "float64", "C64": "complex64",
}  # fmt: skip
SIZES = {name: np.dtype(getattr(ml_dtypes, dtype, None) or dtype).itemsize
         for name, dtype in DTYPES.items()}  # fmt: skip


def written_by_package(tensors, metadata):
    """The package's bytes; of its random orders of several metadata keys, the order given."""
    buffers = {name: np.frombuffer(data or b"\0", np.uint8).copy() for name, _, _, data in tensors}
    for _ in range(100_000):
        specs = {
            name: safetensors.TensorSpec(
                dtype=DTYPES[dtype], shape=shape, data_ptr=buffers[name].ctypes.data,
                data_len=len(data))
            for name, dtype, shape, data in tensors
        }  # fmt: skip
        result = bytes(serialize(specs, None if metadata is None else dict(metadata)))
        header = json.loads(result[8 : 8 + int.from_bytes(result[:8], "little")])
        if list(header.get("__metadata__", {}).items()) == list(metadata or []):
            return result
    raise AssertionError("the package never drew the order of metadata that was asked for")


def verdict_of_package(content):
    try:
        deserialize(content)
        return {"version": safetensors.__version__, "accepts": True}
    except Exception as error:  # noqa: BLE001 - its own error class, and whatever else it raises
        # Which of two tensors it names depends on an order that it draws anew each time.
        message = re.sub(" for tensor `[^`]*`", "", str(error))
        return {"version": safetensors.__version__, "accepts": False, "message": message}


def stored(name, content):
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return f"safetensors/{name}", hashlib.sha256(content).hexdigest()


def described(tensors):
    return [
        {"name": name, "dtype": dtype, "shape": shape, "bytes": data.hex()}
        for name, dtype, shape, data in tensors
    ]


def case(name, comment, operation, parameters, flags, result, check, inputs, outputs, sha256):
    return {
        "id": f"safetensors/{name}", "comment": comment, "operation": operation,
        "parameters": parameters, "flags": flags, "result": result, "check": check,
        "origin": "oracle", "source": VERSIONS, "inputs": inputs, "outputs": outputs,
        "sha256": sha256,
    }  # fmt: skip


def reading(name, comment, content, result, flags=(), tensors=None, metadata=None):
    """A file to be read; a valid one with its tensors in the order of their data."""
    file, sha = stored(f"{name}.safetensors", content)
    package = verdict_of_package(content)
    flags = ["bytes", *flags]
    if package["accepts"] and result == "malformed":
        flags.append("stricter")
    parameters = {"package": package}
    if result == "valid":
        assert package["accepts"], (name, package)
        parameters["metadata"] = None if metadata is None else [list(pair) for pair in metadata]
        parameters["tensors"] = described(tensors)
    inputs = {"file": {"file": file}}
    return case(name, comment, "safetensors_read", parameters, flags, result, "bits", inputs, {},
                {file: sha})  # fmt: skip


def writing(name, comment, tensors, metadata=None):
    """Tensors to be written, given in an order that is not the file's; also a file to be read."""
    content = written_by_package(tensors, metadata)
    file, sha = stored(f"{name}.safetensors", content)
    parameters = {
        "metadata": None if metadata is None else [list(pair) for pair in metadata],
        "tensors": described(tensors),
    }
    in_file = [
        (tensor, info["dtype"], info["shape"], bytes(info["data"]))
        for tensor, info in deserialize(content)
    ]
    starts = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    in_file.sort(key=lambda item: (starts[item[0]]["data_offsets"], list(starts).index(item[0])))
    output = {"file": {"file": file}}
    write = case(f"{name}-write", comment, "safetensors_write", parameters, ["bytes", "package"],
                 "valid", "bits", {}, output, {file: sha})  # fmt: skip
    read = reading(f"{name}", comment, content, "valid", ["package"], in_file, metadata)
    return [write, read]


def pattern(count, seed):
    return np.random.default_rng(seed).integers(0, 256, count, np.uint8).tobytes()


def package_cases():
    every = [(f"{dtype} {shape}", dtype, shape, pattern(SIZES[dtype] * int(np.prod(shape)), i))
             for i, (dtype, shape) in enumerate(
                 (d, s) for d in DTYPES for s in ([3], [], [2, 0, 5]))]  # fmt: skip
    names = ["b", "a", "B", "", " ", "\u00e9", "e\u0301", 'quo"te', "back\\slash", "new\nline",
             "\b\t\f\r", "nul\0", "\x1b\x1f", "del\x7f", "c1\x85", "\u2028", "\ue000", "\uffff",
             "\U0001f600", "/", "layers.10.w", "layers.2.w", "__metadata",
             "metadata__"]  # fmt: skip
    one = [("w", "F32", [1], b"\0\0\x80?")]
    cases = []
    cases += writing("all-dtypes", "Every type, as a vector, a scalar and empty; the order in the "
                     "file is by type, then by the bytes of the name.", every[::-1])  # fmt: skip
    cases += writing("names", "Escapes are those of serde_json; names are sorted as UTF-8 bytes, "
                     "and two spellings of é are two tensors.",
                     [(name, "U8", [1], bytes([i])) for i, name in enumerate(names)])  # fmt: skip
    cases += writing("no-tensors", "A file without tensors and without metadata.", [])
    cases += writing("metadata-only", "A file without tensors.", [], [("format", "pt")])
    cases += writing("metadata-empty", "Empty metadata are written, unlike absent ones.", one, [])
    cases += writing("metadata-one", "What Transformers writes.", one, [("format", "pt")])
    cases += writing("metadata-five", "Five keys in one of the orders that the package draws, with "
                     "escapes in keys and values.", one,
                     [("", ""), ("A", "\u00e9\u2028\U0001f600"), ("a\"\\\n", "\t\0\x1f\x7f/"),
                      ("format", "pt"), ("\u00e9", "e\u0301")])  # fmt: skip
    for length in range(8):
        cases += writing(f"padding-{length}", "Spaces fill the header to a multiple of 8 bytes.",
                         [("w" * (length + 1), "U8", [2], b"\1\2")])  # fmt: skip
    return cases


def odd_offsets():
    """Every type of more than one byte, one byte behind where it would be aligned."""
    tensors, entries, data = [], [], b""
    for index, (dtype, size) in enumerate(SIZES.items()):
        filler = (1 - len(data)) % size
        for name, kind, count in [(f"before {dtype}", "U8", filler), (dtype, dtype, 1)]:
            content = pattern(count * SIZES[kind], index)
            tensors.append((name, kind, [count], content))
            entries.append(entry(name, kind, [count], len(data), len(data) + len(content)))
            data += content
    header = "{%s}" % ",".join(entries)
    return reading("odd-offset-all", "No tensor of more than one byte is aligned.",
                   file_of(header + " " * (-len(header) % 8), data), "valid", [], tensors)


def handmade_cases():
    """Valid files that the package reads but does not write."""
    one = bytes([1, 2, 3, 4])
    w = entry("w", "F32", [1], 0, 4)
    a, b = ("a", "F32", [1], one), ("b", "F32", [1], bytes([5, 6, 7, 8]))
    two = one + b[3]
    ab = entry("b", "F32", [1], 4, 8) + "," + entry("a", "F32", [1], 0, 4)
    gap = entry("a", "F32", [1], 0, 4) + "," + entry("b", "F32", [1], 4, 8)
    odd = entry("u", "U8", [1], 0, 1) + "," + entry("w", "F32", [1], 1, 5)
    wide = [0, 4294967296, 4294967296]
    tensor = [("w", "F32", [1], one)]
    return [
        reading("unpadded", "The header's length need not be a multiple of 8.",
                file_of("{%s}" % w, one), "valid", [], tensor),
        reading("spaces-behind", "Any number of spaces may follow the header's object.",
                file_of("{%s}%s" % (w, " " * 21), one), "valid", [], tensor),
        reading("space-inside", "JSON white space may stand between tokens.",
                file_of("{ \n\t\r%s\n}" % w.replace(":", " : ").replace(",", " ,\n"), one),
                "valid", [], tensor),
        reading("white-space-behind", "Other JSON white space behind the object is no harm.",
                file_of("{%s}\n\t\r" % w, one), "valid", [], tensor),
        reading("header-order", "The order of the data need not be that of the header.",
                file_of("{%s}" % ab, two), "valid", [], [a, b]),
        reading("metadata-last", "`__metadata__` may stand anywhere.",
                file_of('{%s,"__metadata__":{"k":"v"}}' % w, one), "valid", [], tensor,
                [("k", "v")]),
        reading("metadata-escaped", "Keys are compared with their escapes resolved.",
                file_of('{"__metadat\\u0061__":{"k":"v"},%s}' % w, one), "valid", [], tensor,
                [("k", "v")]),
        reading("name-escaped", "Names are unescaped, surrogate pairs included.",
                file_of("{%s}" % w.replace('"w"', '"\\ud83d\\ude00\\u00E9\\/"'), one), "valid", [],
                [("\U0001f600\u00e9/", "F32", [1], one)]),
        reading("fields-reordered", "The order of the three fields is free.",
                file_of('{"w":{"data_offsets":[0,4],"shape":[1],"dtype":"F32"}}', one), "valid", [],
                tensor),
        reading("empty-between", "An empty tensor may stand between two others.",
                file_of("{%s,%s}" % (gap, entry("e", "F32", [0], 4, 4)), two), "valid", [],
                [a, ("e", "F32", [0], b""), b]),
        reading("empty-last", "An empty tensor may stand at the very end.",
                file_of("{%s,%s}" % (w, entry("e", "I64", [3, 0], 4, 4)), one), "valid", [],
                [*tensor, ("e", "I64", [3, 0], b"")]),
        reading("empty-wide", "A size of 0 before large ones keeps the product at 0.",
                file_of("{%s}" % entry("e", "F32", wide, 0, 0)), "valid", [],
                [("e", "F32", wide, b"")]),
        reading("odd-offset", "Data need not be aligned.",
                file_of("{%s}" % odd, b"\7" + one), "valid", [],
                [("u", "U8", [1], b"\7"), *tensor]),
        odd_offsets(),
        reading("rank-70", "There is no limit on the number of sizes.",
                file_of("{%s}" % entry("w", "F32", [1] * 70, 0, 4), one), "valid", [],
                [("w", "F32", [1] * 70, one)]),
    ]  # fmt: skip


def widening_cases():
    """All 8-bit floats; of the 16-bit ones all exponents and signs with chosen significands."""
    f16 = [s << 15 | e << 10 | m for s in (0, 1) for e in range(32)
           for m in (0, 1, 2, 3, 0x155, 0x200, 0x2AA, 0x3FE, 0x3FF)]  # fmt: skip
    bf16 = [s << 15 | e << 7 | m for s in (0, 1) for e in range(256) for m in (0, 1, 0x55, 0x7F)]
    every = {
        "F8_E4M3": np.arange(256, dtype=np.uint8).view(ml_dtypes.float8_e4m3fn),
        "F8_E5M2": np.arange(256, dtype=np.uint8).view(ml_dtypes.float8_e5m2),
        "F16": np.array(f16, np.uint16).view(np.float16),
        "BF16": np.array(bf16, np.uint16).view(ml_dtypes.bfloat16),
    }
    tensors = []
    for dtype, x in every.items():
        tensors.append((f"{dtype}/x", dtype, [len(x)], x.tobytes()))
        tensors.append((f"{dtype}/y", "F32", [len(x)], x.astype(np.float32).tobytes()))
    file, sha = stored("widen.safetensors", written_by_package(tensors, None))
    return [
        case(f"widen-{dtype.lower()}", f"{dtype} values and the same numbers in binary32.", "widen",
             {}, ["exact"], "valid", "bits",
             {"x": {"file": file, "tensor": f"{dtype}/x", "dtype": dtype, "shape": [len(x)]}},
             {"y": {"file": file, "tensor": f"{dtype}/y", "dtype": "F32", "shape": [len(x)]}},
             {file: sha})
        for dtype, x in every.items()
    ]  # fmt: skip


def folder_case():
    """A folder of two shards as Transformers writes it, index with indent 2 and sorted keys."""
    shards = {
        "model-00001-of-00002.safetensors": [
            ("a.weight", "F32", [2, 2], pattern(16, 1)), ("b.weight", "BF16", [3], pattern(6, 2))],
        "model-00002-of-00002.safetensors": [("c.weight", "F16", [5], pattern(10, 3))],
    }  # fmt: skip
    hashes, weight_map, tensors = {}, {}, []
    for shard, content in shards.items():
        file, sha = stored(f"shards/{shard}", written_by_package(content, [("format", "pt")]))
        hashes[file] = sha
        weight_map.update({name: shard for name, *_ in content})
        tensors += content
    index = {"metadata": {"total_size": 32}, "weight_map": weight_map}
    text = json.dumps(index, indent=2, sort_keys=True) + "\n"
    file, sha = stored("shards/model.safetensors.index.json", text.encode())
    hashes[file] = sha
    return case("shards", "A folder of two shards and their index, as Transformers writes it.",
                "safetensors_read_folder", {"tensors": described(tensors)}, ["bytes"], "valid",
                "bits", {"folder": {"file": "safetensors/shards"}}, {}, hashes)  # fmt: skip


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    cases = package_cases() + handmade_cases() + widening_cases() + [folder_case()]
    cases += [reading(name, comment, content, result) for name, comment, result, content in BROKEN]
    manifest.update("safetensors", cases, FLAGS)
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
