"""Makes many random texts with the ids of the `tiktoken` library, to compare a port with.

    python compare_tiktoken.py --output CASES.jsonl [--count 20000] [--seed 1] [--models 8]
                               [--model tokenizer.model ...]
    METEORA_TOKENIZER_CASES=CASES.jsonl swift test --filter TokenizerComparison

                               (pip install -r requirements-tiktoken.txt; Python 3.11)

Without --model, files of random tokens and ranks are made beside the output. The lines are those
of compare_tokenizers.py.
"""

import argparse
import json
import random
from pathlib import Path

import tiktoken
import tiktoken_llama3
import tokenizer_texts


def drawn(rng):
    """The ranks of all bytes, shuffled, and of random runs of a few pieces."""
    tokens = [bytes([byte]) for byte in range(256)]
    parts = [b"a", b"b", b" ", b"\n", "é".encode(), "字".encode(), b"\xe5", b"\xad\x97", b"1", b"'s",
             b"the", b"er", "😀".encode()[:3], b"!", *[word.encode() for word in tokenizer_texts.THINGS]]
    for _ in range(rng.randrange(50, 900)):
        tokens.append(b"".join(rng.choice(parts) for _ in range(rng.choice([2, 2, 2, 3, 4, 8])))[:40])
    for word in tokenizer_texts.THINGS:
        start = rng.randrange(len(word) - 1)
        tokens.append(word[start:start + rng.randrange(2, 5)].encode())
    tokens = list(dict.fromkeys(tokens))
    rng.shuffle(tokens)
    return {token: rank for rank, token in enumerate(tokens)}


def models(options, rng):
    if options.model:
        return options.model
    folder = options.output.with_suffix("")
    folder.mkdir(exist_ok=True)
    paths = [folder / f"drawn-{number}.model" for number in range(options.models)]
    for path in paths:
        path.write_bytes(tiktoken_llama3.dump(drawn(rng)))
    return paths


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--model", type=Path, nargs="*")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    chosen = models(options, rng)
    each = -(-options.count // len(chosen))
    written = foreign = 0
    with options.output.open("w") as file:
        for number, path in enumerate(chosen):
            encoding = tiktoken_llama3.load(path)
            file.write(json.dumps({"tokenizer": str(path.resolve())}) + "\n")
            seed = options.seed * 1000 + number
            texts = tokenizer_texts.texts(seed, each, tiktoken_llama3.SPECIAL[:16])
            for index, text in enumerate(tokenizer_texts.with_long(seed, texts)):
                if index % 5 == 4:
                    top = rng.choice([300, encoding.n_vocab - 240, encoding.n_vocab])
                    ids = [rng.randrange(top) for _ in range(rng.randrange(9))]
                    case = {"ids": ids, "decoded": "",
                            **tiktoken_llama3.decode_case(encoding, ids)}
                else:
                    case = tiktoken_llama3.encode_case(encoding, text, index)
                    written += 1
                    foreign += not text.isascii()
                file.write(json.dumps(case, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"tiktoken {tiktoken.__version__}: {written} texts, {foreign} not ASCII, {len(chosen)} models")


if __name__ == "__main__":
    main()
