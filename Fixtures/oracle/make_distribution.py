"""Makes the area "distribution": the probabilities that Transformers draws the next token by.

    python make_distribution.py            (pip install -r requirements-torch-5x.txt)
    python make_distribution.py --check    with other versions: they agree with what is stored

Its own processors, in binary64, in the order in which its `generate` applies them; that order is
looked up first, with a model of a few weights.
"""

import sys

import numpy as np
import torch
import transformers
from transformers.generation import logits_process

import manifest
import tensors
from golden import Pack

FLAGS = {
    "distribution": "Probabilities as Transformers computes them in binary64.",
    "sampling": "A step between logits and the next id, or all of them.",
}
# Ours round logit / T, which is up to 14, and its exponential grows by what that adds: 17 at most.
ULP = 32
SETTINGS = {
    "plain": {},
    "cold": {"temperature": 0.6},
    "warm": {"temperature": 1.7},
    "top-k": {"temperature": 0.8, "top_k": 7},
    "top-p": {"temperature": 1.1, "top_p": 0.8},
    "penalty": {"repetition_penalty": 1.8},
    "ngram": {"no_repeat_ngram_size": 2},
    "all": {"temperature": 1.4, "top_k": 40, "top_p": 0.9, "repetition_penalty": 1.3,
            "no_repeat_ngram_size": 2},
}  # fmt: skip
DEFAULTS = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0,
            "no_repeat_ngram_size": 0}  # fmt: skip


def processors(p):
    kinds = []
    if p["repetition_penalty"] != 1:
        kinds.append(logits_process.RepetitionPenaltyLogitsProcessor(p["repetition_penalty"]))
    if p["no_repeat_ngram_size"]:
        kinds.append(logits_process.NoRepeatNGramLogitsProcessor(p["no_repeat_ngram_size"]))
    if p["temperature"] != 1:
        kinds.append(logits_process.TemperatureLogitsWarper(p["temperature"]))
    if p["top_k"]:
        kinds.append(logits_process.TopKLogitsWarper(p["top_k"]))
    if p["top_p"] != 1:
        kinds.append(logits_process.TopPLogitsWarper(p["top_p"]))
    return logits_process.LogitsProcessorList(kinds)


def probabilities(logits, ids, p):
    scores = processors(p)(torch.tensor(ids), torch.tensor(logits, dtype=torch.float64))
    return torch.softmax(scores, -1).numpy()


def check_order():
    """The scores of `generate` are those of `processors`."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=90, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, pad_token_id=0, initializer_range=1.0)  # fmt: skip
    model = transformers.LlamaForCausalLM(config).eval()
    ids = torch.randint(3, 9, (2, 12))
    for name, given in SETTINGS.items():
        p = {**DEFAULTS, **given}
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=1, do_sample=True,
            return_dict_in_generate=True, output_scores=True, output_logits=True, **p)  # fmt: skip
        assert torch.equal(processors(p)(ids, out.logits[0]), out.scores[0]), name


def main():
    check_order()
    pack = Pack("distribution", "make_distribution.py")
    for name, given in SETTINGS.items():
        rng = pack.rng(name)
        logits = (rng.standard_normal((2, 90)) * 2).astype(np.float32)
        ids = rng.integers(0, 12, (2, 16))
        p = {**DEFAULTS, **given}
        expected = probabilities(logits, ids, p).astype(np.float32)
        if "--check" in sys.argv:
            file = manifest.GOLDEN / "distribution/sampling_probabilities.safetensors"
            stored = tensors.read(file)[f"{name}/probabilities"]
            bits = np.frombuffer(stored.raw.tobytes(), np.int32).reshape(expected.shape)
            assert np.abs(bits - expected.view(np.int32)).max() <= 1, name
            continue
        pack.add(name, "sampling_probabilities", f"Transformers' probabilities, '{name}'.",
                 {"logits": logits, "ids": ids}, {"probabilities": expected}, p,
                 ["distribution", "sampling"])  # fmt: skip
        pack.cases[-1]["check"] = {"ulp": ULP}
        pack.cases[-1]["source"] |= {
            "torch": torch.__version__, "transformers": transformers.__version__}  # fmt: skip
    if "--check" in sys.argv:
        print(f"distribution: transformers {transformers.__version__} agrees")
    else:
        pack.write(FLAGS)


if __name__ == "__main__":
    main()
