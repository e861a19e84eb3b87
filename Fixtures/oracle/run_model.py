"""Executes the operations "trace", "generate" and "last_logits" from the parameters of a case.

Paths in the parameters are relative to Fixtures/golden. A bundle's own top_k and temperature hold
where the parameters name none. Mode "merged" adds the adapter named `adapter` to the weights; `only`
names the adapters that the gates may choose among.
(pip install -r requirements-numpy.txt; imported, not run.)
"""

import json

import numpy as np

import merge
from adapters import Adapter, RoutedLinears, SingleLinears
from adapters import adapter_folders, read_bundle, read_checkpoint, read_gates
from llama import Llama
from manifest import GOLDEN


def parts(parameters):
    """Folder of the base, (name, folder) of each adapter, gates file or None, a bundle's router."""
    folder = GOLDEN / parameters["model"]
    if (folder / "meteora.json").exists():
        router = json.loads((folder / "meteora.json").read_text())["router"]
        return *read_bundle(folder), router
    given = parameters.get("adapters", [])
    if isinstance(given, str):
        named = adapter_folders(GOLDEN / given)
    else:
        named = [(a["name"], GOLDEN / a["path"]) for a in given]
    return folder, named, GOLDEN / parameters["gates"] if "gates" in parameters else None, {}


def named_adapters(parameters):
    return parts(parameters)[1]


def open_model(parameters):
    folder, named, gates, router = parts(parameters)
    mode = parameters["mode"]
    if mode in ("plain", "base"):
        return Llama(folder)
    if mode == "single":
        return Llama(folder, SingleLinears(Adapter(dict(named)[parameters["adapter"]])))
    if mode == "merged":
        return merge.merged_model(Llama(folder), Adapter(dict(named)[parameters["adapter"]]))
    adapters = [Adapter(path) for _, path in named]
    if "checkpoint" in parameters:
        weights = read_checkpoint(GOLDEN / parameters["checkpoint"], adapters)
    else:
        weights = read_gates(gates)
    router = {**router, **parameters}
    allowed = None
    if "only" in parameters:
        names = [name for name, _ in named]
        allowed = sorted(names.index(name) for name in parameters["only"])
    return Llama(
        folder, RoutedLinears(adapters, weights, router["top_k"], router["temperature"], allowed))


def trace(parameters, ids):
    """Every recorded value by its trace name."""
    recorded = {}
    open_model(parameters).forward(ids, record=recorded.__setitem__)
    return recorded


def last_logits(parameters, sequences):
    """Logits [sequences, V] after the last token of each, each run alone."""
    model = open_model(parameters)
    return np.stack([model.forward(ids, last_only=True)[-1] for ids in sequences])


ROUTING = ("gate_logits", "selected", "weights")


def chosen(recorded, extent):
    """The entries that a case of this extent lists.

    "logits": logits and final_norm; "hidden": and the residual after every block; "routing": and
    gate logits, selected adapters, weights; "all": everything, where modules that no adapter
    changes show nothing, or input and output if the whole model is plain.
    """
    with_delta = {name.rsplit(".", 1)[0] for name in recorded if name.endswith(".delta")}
    kept = {}
    for name, value in recorded.items():
        parts = name.split(".")
        last = parts[-1]
        if name in ("logits", "final_norm"):
            keep = True
        elif last == "hidden":
            keep = extent != "logits"
        elif last in ROUTING:
            keep = extent in ("routing", "all")
        elif len(parts) == 4:
            module = name.rsplit(".", 1)[0]
            shown = module in with_delta or (not with_delta and last in ("input", "output"))
            keep = extent == "all" and shown
        else:
            keep = extent == "all"
        if keep:
            kept[name] = value
    return kept
