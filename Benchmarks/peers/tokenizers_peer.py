"""Times other libraries' tokenizers as `benchmarks tokenizers --json` times this package's.

    python tokenizers_peer.py --library sentencepiece|tiktoken|tokenizers --tokenizer F --text F

                              (pip install sentencepiece==0.2.3 tiktoken==0.14.0 tokenizers==0.21.4)

One JSON object a line with the same fields; "ids" is the same if the ids are. One thread.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Fixtures" / "oracle"))


def sentencepiece_tokenizer(path):
    import sentencepiece
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return processor.encode, processor.decode


def tiktoken_tokenizer(path):
    import tiktoken_llama3
    encoding = tiktoken_llama3.load(path)
    return (lambda text: encoding.encode(text, allowed_special="all", disallowed_special=()),
            encoding.decode)


def tokenizers_tokenizer(path):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(path))
    return (lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
            lambda ids: tokenizer.decode(ids, skip_special_tokens=False))


def fnv(ids):
    hash = 0xCBF29CE484222325
    for id in ids:
        for byte in id.to_bytes(4, "little"):
            hash = (hash ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{hash:x}"


def timed(body, most=20):
    body()
    times = []
    while len(times) < 3 or (sum(times) < 0.5 and len(times) < most):
        start = time.perf_counter()
        body()
        times.append(time.perf_counter() - start)
    times.sort()
    spread = (times[len(times) * 3 // 4] - times[len(times) // 4]) / 2
    return statistics.median_high(times), spread


def main():
    libraries = {"sentencepiece": sentencepiece_tokenizer, "tiktoken": tiktoken_tokenizer,
                 "tokenizers": tokenizers_tokenizer}
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", choices=list(libraries), required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True)
    options = parser.parse_args()
    text = options.text.read_bytes().decode()
    megabytes = len(text.encode()) / 1e6

    def row(operation, megabytes, ids, body):
        median, spread = timed(body)
        print(json.dumps({
            "kind": "tokenizer", "ids": fnv(ids), "library": options.library, "median_ms": median * 1e3,
            "megabytes": megabytes, "megabytes_per_second": megabytes / median,
            "operation": operation, "spread_ms": spread * 1e3,
            "tokenizer": str(options.tokenizer), "tokens": len(ids)}), flush=True)

    open_tokenizer = libraries[options.library]
    encode, decode = open_tokenizer(options.tokenizer)
    row("open", options.tokenizer.stat().st_size / 1e6, [],
        lambda: open_tokenizer(options.tokenizer))
    ids = encode(text)
    row("encode", megabytes, ids, lambda: encode(text))
    lines = text.split("\n")
    row("encode lines", megabytes, [id for line in lines for id in encode(line)],
        lambda: [encode(line) for line in lines])
    row("decode", megabytes, ids, lambda: decode(ids))
    if options.library != "tiktoken":  # It gives up on a word of two million letters.
        row("encode aaaa", 2.0, encode("a" * 2_000_000), lambda: encode("a" * 2_000_000))
        unbroken = bytes(byte for byte in text.encode() if byte > 0x20).decode()
        row("encode no space", len(unbroken.encode()) / 1e6, encode(unbroken),
            lambda: encode(unbroken))


if __name__ == "__main__":
    main()
