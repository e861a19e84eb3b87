"""Collects golden cases: their tensors in few files, their lines in the manifest.

(pip install -r requirements-numpy.txt; imported, not run.)
"""

import hashlib
import zlib

import numpy as np

import manifest
import tensors


def same_bits(a, b):
    """Equal bit patterns; NaN equals NaN whatever its payload."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind != "f":
        return a.shape == b.shape and bool((a == b).all())
    equal = a.view(f"u{a.itemsize}") == b.view(f"u{b.itemsize}")
    return a.shape == b.shape and bool((equal | (np.isnan(a) & np.isnan(b))).all())


class Pack:
    def __init__(self, area, script):
        self.area, self.script = area, script
        self.files, self.cases, self.caught = {}, [], {}

    def rng(self, name):
        """Every case has a stream of its own, so cases can be added without moving others."""
        return np.random.default_rng(zlib.crc32(name.encode()))

    def add(
        self, name, operation, comment, inputs, outputs, parameters=None, flags=(), file=None,
        catches=None, tries=None, agrees=None,
    ):
        """`catches`: results of wrong implementations, each must differ from `outputs`;
        `tries`: the same, but it is enough that one case of the operation tells them apart;
        `agrees`: results of other orders and fusings, each must be equal (exact cases).
        Both map a description to one array or to {output: array}.
        """
        assert not any(case["id"] == f"{self.area}/{name}" for case in self.cases), name
        catches = dict(catches or {})
        for what, wrong in (tries or {}).items():
            differs = not _all_equal(wrong, outputs)
            key = (operation, what)
            self.caught[key] = self.caught.get(key, False) or differs
            if differs:
                catches[what] = wrong
        for what, wrong in catches.items():
            assert not _all_equal(wrong, outputs), f"{name}: the case does not catch '{what}'"
        for what, other in (agrees or {}).items():
            assert _all_equal(other, outputs), f"{name}: '{what}' differs in an exact case"
        if catches:
            comment += " Catches: " + "; ".join(catches) + "."
        file = f"{self.area}/{file or operation}.safetensors"
        self.cases.append(
            {
                "id": f"{self.area}/{name}", "comment": comment, "operation": operation,
                "parameters": parameters or {}, "flags": list(flags), "result": "valid",
                "check": "bits", "origin": "oracle",
                "source": {
                    "script": self.script, "numpy": np.__version__,
                    "seed": zlib.crc32(name.encode()),
                },
                "inputs": self._place(name, inputs, file),
                "outputs": self._place(name, outputs, file),
                "sha256": {},
            }
        )

    def _place(self, case, values, file):
        entries = {}
        for name, value in values.items():
            stored = value if isinstance(value, tensors.Stored) else tensors.store(value)
            # Cases are written at the end; until then a script may change its arrays in place.
            stored = tensors.Stored(stored.dtype, stored.raw.copy())
            assert stored.dtype != "F64" and not (
                isinstance(value, np.ndarray) and value.dtype == np.float64
            ), f"{case}/{name} is binary64"
            self.files.setdefault(file, {})[f"{case}/{name}"] = stored
            entries[name] = {
                "file": file, "tensor": f"{case}/{name}", "dtype": stored.dtype,
                "shape": stored.shape,
            }
        return entries

    def write(self, flags):
        missed = [key for key, caught in self.caught.items() if not caught]
        assert not missed, f"no case catches {missed}"
        for file, content in self.files.items():
            tensors.write(manifest.GOLDEN / file, content)
        for case in self.cases:
            used = {e["file"] for part in ("inputs", "outputs") for e in case[part].values()}
            for file in sorted(used):
                content = (manifest.GOLDEN / file).read_bytes()
                case["sha256"][file] = hashlib.sha256(content).hexdigest()
        manifest.update(self.area, self.cases, flags)
        size = sum((manifest.GOLDEN / file).stat().st_size for file in self.files)
        print(f"{self.area}: {len(self.cases)} cases, {len(self.files)} files, {size} bytes")


def _all_equal(other, outputs):
    if not isinstance(other, dict):
        (name,) = outputs if len(outputs) == 1 else ("y",)
        other = {name: other}
    return all(same_bits(value, outputs[name]) for name, value in other.items())
