"""Writes the text that the tokenizer benchmarks encode: mixed languages, code and numbers.

    python make_text.py --output text.txt [--bytes 2000000] [--seed 99]
"""

import argparse
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Fixtures" / "oracle"))
import tokenizer_texts  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--bytes", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=99)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    parts, size = [], 0
    while size < options.bytes:
        kind = rng.randrange(10)
        if kind < 6:
            part = tokenizer_texts.sentence(rng)
        else:
            part = rng.choice(tokenizer_texts.LANGUAGES if kind < 8 else tokenizer_texts.CODE)
        parts.append(part + rng.choice([" ", "\n", "\n\n", "  "]))
        size += len(parts[-1].encode())
    options.output.write_bytes("".join(parts).encode())


if __name__ == "__main__":
    main()
