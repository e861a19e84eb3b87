"""Makes the golden cases of the area "generation": prompt text to answer text.

    python make_generation.py        (pip install -r requirements-torch-4x-late.txt)

Two small models with random weights, one with the tokenizer of "tokenizers/llama2", one with that
of "tokenizers/tiny-llama3". A line of `cases.jsonl` is {"prompt", "prompt_ids", "new_ids", "text",
"finish_reason"}: what Transformers' greedy generation in binary32 adds, where every chosen token
leads by more than 0.001. `text` is what the new ids add to the prompt's text, special tokens left out.
"""

import hashlib

import manifest
import tokenizers
import torch
import transformers
from text_generation import PROMPTS, build, cases
from tokenizer_lines import jsonl

FOLDER = manifest.GOLDEN / "generation"
NEW_TOKENS = 20
MODELS = {"llama2": ("llama2", "Llama 2's shape and tokenizer in small."),
          "llama3": ("tiny-llama3", "Llama 3's shape and tokenizer in small, embeddings tied.")}


def main():
    entries = []
    for style, (tokenizer, comment) in MODELS.items():
        folder = build(FOLDER / style, manifest.GOLDEN / "tokenizers" / tokenizer / "tokenizer.json", style)
        for name, ngram in (("plain", 0), ("no-repeat", 1)):
            made, left_out = cases(folder, PROMPTS, NEW_TOKENS, ngram)
            print(f"{style}, {name}: {len(made)} cases, {left_out} too close to tell")
            lines = FOLDER / style / f"{name}.jsonl"
            jsonl(lines, made)
            files = [f"generation/{style}/{file.name}" for file in sorted((FOLDER / style).iterdir())
                     if file == lines or file.suffix != ".jsonl"]
            entries.append({
                "id": f"generation/{style}-{name}",
                "comment": comment + (" No token comes twice." if ngram else ""),
                "operation": "generate_text",
                "parameters": {"model": f"generation/{style}", "mode": "plain",
                               "max_new_tokens": NEW_TOKENS, "no_repeat_ngram_size": ngram},
                "flags": ["text", "generate"], "result": "valid", "check": "bits", "origin": "oracle",
                "source": {"script": "make_generation.py", "tokenizers": tokenizers.__version__,
                           "torch": torch.__version__, "transformers": transformers.__version__},
                "inputs": {}, "outputs": {"cases": {"file": f"generation/{style}/{name}.jsonl"}},
                "sha256": {file: hashlib.sha256((manifest.GOLDEN / file).read_bytes()).hexdigest()
                           for file in files}})
    manifest.update("generation", entries, {})


if __name__ == "__main__":
    main()
