"""Makes Fixtures/demo: a bundle with seeded random weights, for show until a trained one replaces
it. Nothing is pinned by it.

    python make_demo.py [FOLDER]        (pip install -r requirements-numpy.txt; Python 3.11)

FOLDER holds the tokenizer, golden/tokenizers/tiny-llama3 unless given.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np

import tensors
from llama import MODULES
from manifest import GOLDEN
from model_writer import (
    base_weights, config_4x, gate_weights, modules_of, write_adapter, write_base,
    write_bundle_file, write_json,
)  # fmt: skip
from run_model import trace

DEMO = GOLDEN.parent / "demo"
NAMES = ["arithmetic", "capitals", "reverse", "rhymes", "translate"]
FEWER = ["q_proj", "v_proj", "o_proj", "down_proj"]  # of the two adapters that lack modules


def main():
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN / "tokenizers/tiny-llama3"
    shutil.rmtree(DEMO, ignore_errors=True)
    tokenizer = json.loads((source / "tokenizer.json").read_text())
    ids = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    vocabulary = max([*tokenizer["model"]["vocab"].values(), *ids.values()]) + 1
    ends = [ids["<|end_of_text|>"], ids["<|eot_id|>"]]
    config = config_4x(
        hidden_size=64, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=176, vocab_size=vocabulary, max_position_embeddings=2048,
        rope_theta=500000.0, tie_word_embeddings=True, torch_dtype="bfloat16",
        bos_token_id=ids["<|begin_of_text|>"], eos_token_id=ends,
        transformers_version="4.46.0")  # fmt: skip
    write_base(DEMO / "base", config, base_weights(config, "BF16", "demo"))
    write_json(DEMO / "base/generation_config.json", {
        "bos_token_id": config["bos_token_id"], "eos_token_id": ends,
        "transformers_version": "4.46.0"})
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(source / file, DEMO / "base" / file)
    written = [
        write_adapter(DEMO / "adapters" / name, config, "BF16", f"demo/{name}", r=4, lora_alpha=8,
                      target_modules=FEWER if name in ("reverse", "rhymes") else MODULES)
        for name in NAMES
    ]
    having = set().union(*map(modules_of, written))
    gates = gate_weights(config, len(NAMES), having, "BF16", "demo", scale=2.0)
    tensors.write(DEMO / "gates.safetensors", gates, {"format": "pt"})
    write_bundle_file(DEMO, NAMES, 2, 1.0)
    report(vocabulary)


def report(vocabulary):
    """How often each adapter is the dominant one of a random token."""
    prompt = np.random.default_rng(0).integers(0, vocabulary, 60)
    recorded = trace({"model": "../demo", "mode": "routed"}, prompt)
    sums = np.zeros((len(prompt), len(NAMES)))
    for name, selected in recorded.items():
        if name.endswith(".selected"):
            weights = recorded[name.replace("selected", "weights")]
            for slot in range(selected.shape[1]):
                sums[np.arange(len(prompt)), selected[:, slot]] += weights[:, slot]
    dominant = np.bincount(sums.argmax(axis=1), minlength=len(NAMES))
    size = sum(file.stat().st_size for file in DEMO.rglob("*") if file.is_file())
    counts = dict(zip(NAMES, dominant.tolist()))
    print(f"demo: {size} bytes; dominant adapter of 60 tokens: {counts}")
    assert dominant.min() >= 3 and size < 700_000
    assert 1 < recorded["logits"].std() < 8


if __name__ == "__main__":
    main()
