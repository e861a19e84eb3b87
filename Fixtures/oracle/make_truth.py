"""Golden area "truth": what PyTorch in binary64 says about every folder in golden/models.

    python make_truth.py            (pip install -r requirements-torch-5x.txt)
    python make_truth.py hf5-wide   only folders whose name begins so (the others keep their cases)

model_distance     logits in true binary64 (meteora_torch.py) and the RMS error of PyTorch's own
                   binary32, unmodified Transformers and PEFT, on the same tokens. Routed cases also
                   hold the adapters that every module selects for every token, and how clearly;
                   some the gate logits too (folders hf… and those of WITH_GATES).
generate_distance  greedy tokens by Transformers' own `generate` over the binary64 model; gap64 is
                   how far the chosen logit is above the best other allowed one, or how clear the
                   closest choice of adapters up to that step was, if that is less.

Prompts are seeded and taken as they come, however close a choice in them is: binary32 may choose
otherwise where it is closer than CLOSE, and the judge counts how often. (A generation that is to
show an n-gram block, an EOS or a close choice takes the first prompt that does.) reference_rms
covers the tokens before the first for which PyTorch's own binary32 chose other adapters. It belongs
to the CPU that ran this (AVX-512, one thread: its kernels' order of summation); on another one the
last bits of the binary64 values may differ as well.
"""

import hashlib
import sys
import zlib

import numpy as np
import peft
import torch
import transformers
from peft import PeftModel
from safetensors.torch import save_file

import manifest
from meteora_torch import (
    ModelFolder, exact_logits, load_adapters, load_base, load_routed, make_exact
)

CLOSE = 1e-4  # of two gate logits: binary32 may choose otherwise
WISHES = 300  # prompts among which one that ends by EOS is looked for
ROUTED_TOKENS, OTHER_TOKENS, PROMPT_TOKENS, NEW_TOKENS = 24, 16, 10, 24
ROUTED_PROMPTS = 2  # of a folder's own top_k and temperature, beside the one with a close choice
CLOSE_PROMPTS = 1500  # prompts among which that one is looked for
WITH_GATES = ("tasks28",)
DTYPES = {
    torch.int64: "I64", torch.uint8: "U8", torch.float32: "F32", torch.float64: "F64",
}
FLAGS = {
    "truth": "Made in binary64 by PyTorch, Transformers and PEFT; bounds a distance, not bits.",
}


def prompt(case, attempt, vocabulary, count):
    stream = np.random.Generator(np.random.PCG64([zlib.crc32(case.encode()), attempt]))
    return torch.from_numpy((stream.random(count) * vocabulary).astype(np.int64))


class Mode:
    """One way to run a folder: its case parameters, and the model in a given dtype."""

    def __init__(self, name, parameters, load):
        self.name, self.parameters, self.load = name, parameters, load
        self.routed, self.routed32 = {}, {}  # the routed layers of either model

    def exact(self):
        model, self.routed = self._model(torch.float64)
        return make_exact(model)

    def binary32(self):
        model, self.routed32 = self._model(torch.float32)
        return model

    def _model(self, dtype):
        loaded = self.load(dtype)
        loaded, layers = loaded if isinstance(loaded, tuple) else (loaded, {})
        return loaded.base_model.model if isinstance(loaded, PeftModel) else loaded, layers


def modes(folder, full):
    """Not `full`: only the first adapter on its own, and routed only as the folder says."""
    plain = "base" if folder.is_bundle else "plain"
    yield Mode(plain, {"mode": plain}, lambda dtype: load_base(folder, dtype))
    place = f"models/{folder.path.name}"
    beside = {} if folder.is_bundle or not folder.adapters else {"adapters": f"{place}/adapters"}
    for name in folder.adapters if full else list(folder.adapters)[:1]:
        parameters = {"mode": "single", "adapter": name, **beside}
        yield Mode(
            f"single-{name}", parameters, lambda dtype, n=name: load_adapters(folder, [n], dtype)
        )
    if folder.is_routed:
        if not folder.is_bundle:
            kind, file = ("checkpoint", folder.checkpoint) if folder.checkpoint else (
                "gates", folder.gates
            )
            beside[kind] = f"{place}/{file.name}"
        own = (folder.router["top_k"], folder.router["temperature"])
        choices = [own, (1, 1.0), (len(folder.adapters), 15.0)] if full else [own]
        for k, t in dict.fromkeys(choices):
            parameters = {"mode": "routed", **beside, "top_k": k, "temperature": t}
            yield Mode(
                "routed" if (k, t) == own else f"routed-k{k}-t{t:g}", parameters,
                lambda dtype, k=k, t=t: load_routed(folder, dtype, k, t),
            )


def routing_gaps(layer):
    """[T]: the k-th largest gate logit less the next, and the least step among the k largest."""
    values = torch.gather(layer.logits, 1, layer.order)
    steps = values[:, :-1] - values[:, 1:]
    k, never = layer.top_k, torch.full((len(values),), torch.inf, dtype=torch.float64)
    choice = steps[:, k - 1] if k < values.shape[1] else never
    return choice, steps[:, : k - 1].amin(1) if k > 1 else never


def tokens_alike(mode):
    """How many tokens come before the first for which binary32 chose other adapters."""
    alike = torch.tensor(True)
    for module, layer in mode.routed.items():
        chosen = [l.order[:, : l.top_k].sort(-1).values for l in (layer, mode.routed32[module])]
        alike = alike & (chosen[0] == chosen[1]).all(-1)
    return len(alike) if alike.all() else int(alike.int().argmin())


def routing(mode, with_gates):
    """What the case says of the choices: the names of the modules, [modules, T, …] of each."""
    if not mode.routed:
        return {}, {}
    layers, gaps = mode.routed.values(), [routing_gaps(layer) for layer in mode.routed.values()]
    selected = torch.stack([layer.order[:, : layer.top_k] for layer in layers])
    outputs = {
        "selected": selected.to(torch.uint8),
        "gap64": torch.stack([choice for choice, _ in gaps]).float(),
    }
    if next(iter(layers)).top_k > 1:
        outputs["order_gap64"] = torch.stack([order for _, order in gaps]).float()
    if with_gates:
        outputs["gate_logits64"] = torch.stack([layer.logits for layer in layers])
    parts = [module.split(".") for module in mode.routed]
    return {"modules": [f"layers.{part[2]}.{part[4]}" for part in parts]}, outputs


def has_close_choice(mode):
    return any((routing_gaps(layer)[0] < CLOSE).any() for layer in mode.routed.values())


def distance(case, mode, with_gates, wants_close):
    """Inputs, outputs, parameters and number of prompts passed over; None if no prompt will do."""
    exact, model = mode.exact(), mode.binary32()
    wanted = ROUTED_TOKENS if mode.routed else OTHER_TOKENS
    count = min(wanted, exact.config.max_position_embeddings)
    for attempt in range(CLOSE_PROMPTS if wants_close else 1):
        ids = prompt(case, attempt, exact.config.vocab_size, count)
        logits = exact_logits(exact, ids)
        if not wants_close or has_close_choice(mode):
            break
    else:
        return None
    with torch.no_grad():
        error = model(ids[None]).logits[0].double() - logits
    judged = tokens_alike(mode) if mode.routed else count
    assert judged > count // 2, f"{case}: PyTorch's binary32 chooses otherwise at token {judged}"
    parameters, choices = routing(mode, with_gates)
    rms = error[:judged].square().mean().sqrt()
    return {"ids": ids}, {"logits64": logits, "reference_rms": rms, **choices}, parameters, attempt


def ending(exact):
    eos = exact.generation_config.eos_token_id
    return eos if isinstance(eos, list) else [eos]


def room(exact):
    return min(NEW_TOKENS, exact.config.max_position_embeddings - PROMPT_TOKENS)


def generate(exact, mode, ids, ngram):
    """(new ids, gaps, does the n-gram block change a token)."""
    with torch.no_grad():
        result = exact.generate(
            ids[None], attention_mask=torch.ones_like(ids[None]), do_sample=False,
            max_new_tokens=room(exact), no_repeat_ngram_size=ngram, pad_token_id=0,
            return_dict_in_generate=True, output_scores=True,
        )
    new = result.sequences[0, len(ids) :]
    # `generate` rounds logits to binary32; one pass over the whole text gives them in binary64.
    logits = exact_logits(exact, result.sequences[0])[len(ids) - 1 : -1]
    barred = torch.stack(result.scores)[:, 0].isneginf()
    allowed = logits.masked_fill(barred, -torch.inf)
    chosen = allowed.gather(1, new[:, None])[:, 0]
    leads = chosen - allowed.scatter(1, new[:, None], -torch.inf).amax(1)
    assert (leads > -1e-12).all(), "binary64 logits name other tokens than generate"
    leads, changed = leads.clamp(min=0), bool((logits.argmax(-1) != new).any())
    # A choice of adapters that binary32 makes otherwise changes every later step.
    for layer in mode.routed.values():
        choices = routing_gaps(layer)[0].cummin(0).values[len(ids) - 1 : -1]
        leads = torch.minimum(leads, choices)
    return new, leads, changed


def generation(case, mode, ngram, wants_end):
    """Inputs, outputs, parameters and number of prompts passed over; None if no prompt will do."""
    exact = mode.exact()
    eos, vocabulary = ending(exact), exact.config.vocab_size
    for attempt in range(1000):
        ids = prompt(case, attempt, vocabulary, PROMPT_TOKENS)
        new, gaps, changed = generate(exact, mode, ids, ngram)
        ended = int(new[-1]) in eos
        shows_block = changed or ngram == 0
        shows_end = len(new) >= 4 and ended or not wants_end or attempt >= WISHES
        if shows_block and shows_end:
            break
    else:
        return None
    if (gaps == 0).float().mean() > 0.5:
        return None  # plain-minimal: every logit has a twin
    parameters = {
        "max_new_tokens": room(exact), "no_repeat_ngram_size": ngram, "eos_token_id": eos,
        "finish_reason": "eos" if ended else "length",
    }
    return {"ids": ids}, {"new_ids": new, "gap64": gaps}, parameters, attempt


class Area:
    """The cases of one model folder and its file of tensors."""

    def __init__(self, folder):
        self.folder, self.cases, self.tensors = folder, [], {}
        self.file = f"truth/{folder.path.name}.safetensors"

    def add(self, name, operation, comment, mode, inputs, outputs, attempt, parameters, check):
        case = f"{self.folder.path.name}/{name}"
        self.cases.append(
            {
                "id": f"truth/{case}", "comment": comment, "operation": operation,
                "parameters": {
                    "model": f"models/{self.folder.path.name}", **mode.parameters, **parameters
                },
                "flags": ["truth"], "result": "valid", "check": check, "origin": "oracle",
                "source": {
                    "script": "make_truth.py", "torch": torch.__version__,
                    "transformers": transformers.__version__, "peft": peft.__version__,
                    "seed": [zlib.crc32(case.encode()), attempt],
                },
                "inputs": self._place(name, inputs), "outputs": self._place(name, outputs),
                "sha256": {},
            }
        )

    def _place(self, name, values):
        entries = {}
        for key, value in values.items():
            self.tensors[f"{name}/{key}"] = value.detach().contiguous().clone()
            entries[key] = {
                "file": self.file, "tensor": f"{name}/{key}", "dtype": DTYPES[value.dtype],
                "shape": list(value.shape),
            }
        return entries

    def write(self):
        path = manifest.GOLDEN / self.file
        path.parent.mkdir(exist_ok=True)
        save_file(self.tensors, path)
        path.chmod(0o644)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        for case in self.cases:
            case["sha256"] = {self.file: digest}
        manifest.update(f"truth/{self.folder.path.name}", self.cases, FLAGS)
        print(f"{self.file}: {len(self.cases)} cases, {path.stat().st_size} bytes", flush=True)


def add_distance(area, mode, name, bound, with_gates=False, wants_close=False):
    case = f"{area.folder.path.name}/{name}"
    found = distance(case, mode, with_gates, wants_close)
    if found is None:
        return print(f"  {name}: left out, no prompt has a close choice", flush=True)
    inputs, outputs, parameters, attempt = found
    comment = f"Logits within {bound} times PyTorch's own binary32 error of the true value."
    if wants_close:
        comment += f" A choice of adapters is closer than {CLOSE}."
    check = {"max_abs": 2e-4, "rms_ratio": bound}
    area.add(name, "model_distance", comment, mode, inputs, outputs, attempt, parameters, check)
    rms, largest = float(outputs["reference_rms"]), float(outputs["logits64"].abs().max())
    line = f"  {name}: PyTorch binary32 RMS {rms:.2e}, |logits| <= {largest:.1f}"
    if mode.routed:
        gaps, alike = outputs["gap64"], tokens_alike(mode)
        close, count = int((gaps < CLOSE).sum()), gaps.numel()
        line += f", {close} of {count} choices close (least {gaps.min():.1e})"
        if alike < len(inputs["ids"]):
            line += f", PyTorch's binary32 chooses otherwise at token {alike}"
    print(line, flush=True)


def add_generation(area, mode, ngram, wants_end):
    name = f"generate-{mode.name}" + (f"-ngram{ngram}" if ngram else "")
    case = f"{area.folder.path.name}/{name}"
    found = generation(case, mode, ngram, wants_end)
    if found is None:
        return print(f"  {name}: left out, no prompt shows what is wanted", flush=True)
    inputs, outputs, parameters, attempt = found
    comment = "Greedy tokens of Transformers in binary64"
    comment += f", no n-gram of {ngram} repeated." if ngram else "."
    area.add(
        name, "generate_distance", comment, mode, inputs, outputs, attempt, parameters,
        {"equal_unless_gap_below": 1e-4},
    )
    close, count = int((outputs["gap64"] < CLOSE).sum()), len(outputs["new_ids"])
    print(f"  {name}: {count} tokens, {close} close, {parameters['finish_reason']}", flush=True)


def make(folder):
    area = Area(folder)
    config = load_base(folder, torch.float32).config
    bound = 1.1 if config.hidden_size >= 1024 else 1.5
    # The folders that make_models.py wrote have all their gates pinned bit for bit already.
    full = folder.path.name.startswith("hf")
    gates = full or folder.path.name in WITH_GATES
    for mode in modes(folder, full):
        add_distance(area, mode, mode.name, bound, with_gates=gates and mode.name == "routed")
        if mode.name == "routed":
            for index in range(2, ROUTED_PROMPTS + 1):
                add_distance(area, mode, f"routed-prompt{index}", bound)
            add_distance(area, mode, "routed-close", bound, wants_close=True)
        if mode.name in ("base", "plain"):
            add_generation(area, mode, 0, wants_end=True)
            add_generation(area, mode, 2, wants_end=False)
        elif mode.name == "routed":
            add_generation(area, mode, 0, wants_end=False)
            add_generation(area, mode, 3, wants_end=False)
        elif mode.name == f"single-{next(iter(folder.adapters))}":
            add_generation(area, mode, 0, wants_end=False)
    area.write()


def main():
    torch.set_num_threads(1)
    prefix = sys.argv[1] if len(sys.argv) > 1 else ""
    for path in sorted((manifest.GOLDEN / "models").iterdir()):
        if path.is_dir() and path.name.startswith(prefix):
            print(path.name)
            make(ModelFolder(path))


main()
