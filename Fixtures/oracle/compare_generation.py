"""Compares `meteora generate` with Transformers' greedy generation, with a tokenizer of real size.

    python compare_generation.py --meteora PATH --tokenizer tokenizer.json --style llama2|llama3
                                 --folder FOLDER [--new-tokens 40]

                                 (pip install -r requirements-torch-4x-late.txt)

A model with random weights is made in FOLDER for the tokenizer, which convert_llama3.py or
convert_sentencepiece.py made. Prompt ids, new ids, text and the reason to stop must be the same.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from text_generation import PROMPTS, build, cases
import tokenizer_texts


def answer(options, prompt, ngram):
    command = [options.meteora, "generate", "--model", options.folder, "--prompt-file", "-", "--json",
               "--max-new-tokens", str(options.new_tokens), "--no-repeat-ngram-size", str(ngram)]
    result = subprocess.run(command, input=prompt.encode(), capture_output=True)
    if result.returncode:
        sys.exit(result.stderr.decode())
    return json.loads(result.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--meteora", required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--style", choices=["llama2", "llama3"], required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--new-tokens", type=int, default=40)
    options = parser.parse_args()
    build(options.folder, options.tokenizer, options.style, hidden=32)
    prompts = PROMPTS + [text + " and" for text in tokenizer_texts.LANGUAGES + tokenizer_texts.CODE]
    different = total = 0
    for ngram in (0, 1):
        kept, left_out = cases(options.folder, prompts, options.new_tokens, ngram)
        for expected in kept:
            actual = answer(options, expected["prompt"], ngram)
            wrong = [key for key in expected if key != "prompt" and actual[key] != expected[key]]
            if wrong:
                print(expected["prompt"], {key: (actual[key], expected[key]) for key in wrong})
            different += bool(wrong)
        total += len(kept)
        print(f"no_repeat_ngram_size {ngram}: {len(kept)} prompts, {left_out} too close to tell")
    print(f"{total} prompts, {different} differ")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
