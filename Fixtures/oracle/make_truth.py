"""Golden area "truth": what PyTorch in binary64 says about every folder in golden/models.

    python make_truth.py            (pip install -r requirements-torch-5x.txt)
    python make_truth.py hf5-wide   only folders whose name begins so (the others keep their cases)

model_distance     logits in true binary64 (meteora_torch.py) and the RMS error of PyTorch's own
                   binary32, unmodified Transformers and PEFT, on the same tokens. One routed case
                   per model also holds gate logits, selected adapters and how clear each choice is.
generate_distance  greedy tokens by Transformers' own `generate` over the binary64 model; gap64 is
                   how far the chosen logit is above the best other allowed one.

Prompts are seeded; a prompt whose routing or greedy choice is closer than MIN_GAP is passed over,
because there binary32 may choose otherwise. reference_rms belongs to the CPU that ran this
(AVX-512, one thread: its kernels' order of summation); on another one the last bits of the binary64
values may differ as well.
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

MIN_GAP = 5e-4
WISHES = 300  # prompts among which one that ends by EOS is looked for
DISTANCE_TOKENS, PROMPT_TOKENS, NEW_TOKENS = 48, 10, 24
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
        self.routed = {}  # the routed layers of the binary64 model

    def exact(self):
        model = self._model(torch.float64)
        return make_exact(model)

    def binary32(self):
        return self._model(torch.float32)

    def _model(self, dtype):
        loaded = self.load(dtype)
        if isinstance(loaded, tuple):
            loaded, layers = loaded
            if dtype == torch.float64:
                self.routed = layers
        return loaded.base_model.model if isinstance(loaded, PeftModel) else loaded


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
    """How far the k-th largest gate logit is above the next, and the least step among the k."""
    values = torch.gather(layer.logits, 1, layer.order)
    steps = values[:, :-1] - values[:, 1:]
    k = layer.top_k
    choice = steps[:, k - 1] if k < values.shape[1] else torch.full((len(values),), torch.inf)
    return choice.double(), steps[:, :k].amin() if steps.numel() else torch.tensor(torch.inf)


def least_step(mode):
    return min((float(routing_gaps(layer)[1]) for layer in mode.routed.values()), default=np.inf)


def distance(case, mode, with_routing):
    """Inputs and outputs of a model_distance case, and the number of prompts passed over."""
    exact = mode.exact()
    vocabulary = exact.config.vocab_size
    for attempt in range(1000):
        count = min(DISTANCE_TOKENS, exact.config.max_position_embeddings)
        ids = prompt(case, attempt, vocabulary, count)
        logits = exact_logits(exact, ids)
        if least_step(mode) >= MIN_GAP:
            break
    else:
        raise SystemExit(f"{case}: no prompt with clear choices")
    with torch.no_grad():
        error = mode.binary32()(ids[None]).logits[0].double() - logits
    outputs = {"logits64": logits, "reference_rms": error.square().mean().sqrt()}
    if with_routing:
        for module, layer in mode.routed.items():
            _, _, index, _, name = module.split(".")
            at = f"layers.{index}.{name}"
            outputs[f"{at}.gate_logits64"] = layer.logits
            outputs[f"{at}.selected"] = layer.order[:, : layer.top_k]
            outputs[f"{at}.gap64"] = routing_gaps(layer)[0]
    return {"ids": ids}, outputs, attempt


def ending(exact):
    eos = exact.generation_config.eos_token_id
    return eos if isinstance(eos, list) else [eos]


def room(exact):
    return min(NEW_TOKENS, exact.config.max_position_embeddings - PROMPT_TOKENS)


def generate(exact, mode, ids, ngram):
    """(new ids, gaps, does the n-gram block change a token, how clear is the closest choice)."""
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
    best, order = allowed.topk(2)
    gaps, changed = best[:, 0] - best[:, 1], bool((logits.argmax(-1) != new).any())
    step = min(least_step(mode), float(gaps.min()))
    if step >= MIN_GAP:
        assert torch.equal(order[:, 0], new), "binary64 logits name other tokens than generate"
    return new, gaps, changed, step


def generation(case, mode, ngram, wants_end):
    """Inputs, outputs, parameters and number of prompts passed over; None if none is clear."""
    exact = mode.exact()
    eos, vocabulary = ending(exact), exact.config.vocab_size
    for attempt in range(1000):
        ids = prompt(case, attempt, vocabulary, PROMPT_TOKENS)
        new, gaps, changed, step = generate(exact, mode, ids, ngram)
        ended = int(new[-1]) in eos
        shows_block = changed or ngram == 0
        shows_end = len(new) >= 4 and ended or not wants_end or attempt >= WISHES
        if step >= MIN_GAP and shows_block and shows_end:
            break
    else:
        return None
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
            dtype = {torch.int64: "I64", torch.float64: "F64"}[value.dtype]
            entries[key] = {
                "file": self.file, "tensor": f"{name}/{key}", "dtype": dtype,
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


def add_distance(area, mode, bound, with_routing):
    case = f"{area.folder.path.name}/{mode.name}"
    inputs, outputs, attempt = distance(case, mode, with_routing)
    comment = f"Logits within {bound} times PyTorch's own binary32 error of the true value."
    check = {"max_abs": 2e-4, "rms_ratio": bound}
    area.add(mode.name, "model_distance", comment, mode, inputs, outputs, attempt, {}, check)
    rms, largest = float(outputs["reference_rms"]), float(outputs["logits64"].abs().max())
    print(f"  {mode.name}: PyTorch binary32 RMS {rms:.2e}, |logits| <= {largest:.1f}", flush=True)


def add_generation(area, mode, ngram, wants_end):
    name = f"generate-{mode.name}" + (f"-ngram{ngram}" if ngram else "")
    case = f"{area.folder.path.name}/{name}"
    found = generation(case, mode, ngram, wants_end)
    if found is None:
        return print(f"  {name}: left out, no prompt has clear choices", flush=True)
    inputs, outputs, parameters, attempt = found
    comment = "Greedy tokens of Transformers in binary64"
    comment += f", no n-gram of {ngram} repeated." if ngram else "."
    area.add(
        name, "generate_distance", comment, mode, inputs, outputs, attempt, parameters,
        {"equal_unless_gap_below": 1e-4},
    )
    print(f"  {name}: {len(outputs['new_ids'])} tokens, {parameters['finish_reason']}", flush=True)


def make(folder):
    area = Area(folder)
    config = load_base(folder, torch.float32).config
    bound = 1.1 if config.hidden_size >= 1024 else 1.5
    # The folders that make_models.py wrote have all their gates pinned bit for bit already.
    full = folder.path.name.startswith("hf")
    for mode in modes(folder, full):
        add_distance(area, mode, bound, with_routing=full and mode.name == "routed")
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
