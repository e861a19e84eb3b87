"""Makes many random texts with the ids of the `tokenizers` library, to compare a port with.

    python compare_tokenizers.py --output CASES.jsonl [--count 20000] [--seed 1]
                                 [--tokenizer tokenizer.json | --family NAME] [--variants 40]
    METEORA_TOKENIZER_CASES=CASES.jsonl swift test --filter TokenizerComparison

                                 (pip install -r requirements-tokenizers.txt; Python 3.11)

Without --tokenizer the tokenizers of the golden pack are used, and --variants changed copies of
them with random added tokens; with --family, the tokenizers that tokenizer_families.py makes. Texts
with scalars that the library knows by an older or newer Unicode than 16 are left out and counted
(not for the pack's own, which Unicode changes less). The first line of the output, and every line that has "tokenizer",
names the file that the lines after it belong to; the others are as in make_tokenizers.py, with
"with_special" on every tenth of a tokenizer's lines. Copies are written beside the output.
"""

import argparse
import json
import random
import unicodedata
from pathlib import Path

import make_tokenizers
import tokenizer_families
import tokenizer_pack
import tokenizer_texts
import unicode_probe
from tokenizers import __version__

PIECES = ["a", "b", "ab", "the", " ", "  ", "\n", "\t", "<", ">", "<x>", "é", "字", "\u0301", "1",
          "12", "'s", "ſ", "Ġ", "\u3000", "_", "😀", "\u00a0", "."]


def variant(rng, number):
    """A tokenizer of the pack with other added tokens and options."""
    name = rng.choice(list(tokenizer_pack.PACK))
    document = json.loads((make_tokenizers.FOLDER / name / "tokenizer.json").read_text())
    vocabulary = document["model"]["vocab"]
    entries, contents, free = [], set(), len(vocabulary)
    for _ in range(rng.randrange(1, 14)):
        content = "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 4)))
        if content in contents:
            continue
        contents.add(content)
        # White space that swallows white space on its left makes the library panic.
        flags = {flag: rng.random() < 0.3 for flag in ("single_word", "rstrip", "normalized")}
        flags["lstrip"] = rng.random() < 0.3 and not content[0].isspace()
        id = vocabulary.get(content, free)
        free = max(free, id + 1)
        entries.append(tokenizer_pack.added(id, content, rng.random() < 0.5, **flags))
    document["added_tokens"] = entries
    if name != "tiny-llama3":
        document["model"]["ignore_merges"] = rng.random() < 0.5
    document["post_processor"] = None
    if document["pre_tokenizer"]:
        regex = rng.choice([tokenizer_pack.LLAMA3, tokenizer_pack.QWEN2])
        split = tokenizer_pack.split_then_bytes(regex)
        split["pretokenizers"][1]["add_prefix_space"] = rng.random() < 0.5
        split["pretokenizers"][1]["use_regex"] = rng.random() < 0.3
        whole = tokenizer_pack.byte_level(prefix=rng.random() < 0.5, regex=rng.random() < 0.7)
        document["pre_tokenizer"] = rng.choice([split, whole])
    return f"{number}-{name}", document


def documents(options, rng):
    """Pairs of a path and a tokenizer.json."""
    if options.tokenizer:
        return [(options.tokenizer, json.loads(Path(options.tokenizer).read_text()))]
    made = []
    for name in tokenizer_pack.PACK if not options.family else []:
        path = make_tokenizers.FOLDER / name / "tokenizer.json"
        made.append((path, json.loads(path.read_text())))
    folder = options.output.with_suffix("")
    folder.mkdir(exist_ok=True)
    if options.family:
        make, count = tokenizer_families.FAMILIES[options.family]
        return [write(folder / f"{n}-{options.family}.json", settled(make(rng, n)))
                for n in range(count)]
    for number in range(options.variants):
        name, document = variant(rng, number)
        made.append(write(folder / f"{name}.json", document))
    return made


def settled(document):
    """Since 0.22 decoding gives the normalized content of added tokens and does not skip those that
    are special; this package does as versions before. Such tokens are compared with those only."""
    if document["normalizer"] and int(__version__.split(".")[1]) > 21:
        for entry in document["added_tokens"]:
            entry["normalized"] = False
    return document


def write(path, document):
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1))
    return path, document


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--variants", type=int, default=40)
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--family", choices=tokenizer_families.FAMILIES)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    chosen = documents(options, rng)
    each = -(-options.count // len(chosen))
    written = foreign = left_out = 0
    with options.output.open("w") as file:
        for number, (path, document) in enumerate(chosen):
            tokenizer = make_tokenizers.load(document)
            if tokenizer is None:
                continue
            file.write(json.dumps({"tokenizer": str(path.resolve())}) + "\n")
            specials = make_tokenizers.specials_of(document)[:40]
            if options.family == "regexes":
                specials = tokenizer_families.FRAGMENTS
            seed = options.seed * 1000 + number
            hand_picked = number < (2 if options.family else 8)
            texts = tokenizer_texts.texts(seed, each, specials, hand_picked=hand_picked)
            if __version__ == "0.19.1":  # Python 3.11 has Unicode 14 too.
                texts = [t for t in texts if not any(unicodedata.category(c) == "Cn" for c in t)]
            if options.family:
                known = [t for t in texts if not any(map(unicode_probe.differs, t))]
                left_out += len(texts) - len(known)
                texts = known
            if options.family != "regexes":  # The library fails where a pattern goes back too often.
                texts = tokenizer_texts.with_long(seed, texts)
            for index, text in enumerate(texts):
                try:
                    case = make_tokenizers.encode_case(tokenizer, text, index)
                except BaseException as error:  # A pattern that goes back too often for the library.
                    if type(error).__name__ != "PanicException" or options.family != "regexes":
                        raise
                    left_out += 1
                    continue
                file.write(json.dumps(case, ensure_ascii=False, separators=(",", ":")) + "\n")
                written += 1
                foreign += not text.isascii()
    print(f"tokenizers {__version__}: {written} texts, {foreign} not ASCII, {len(chosen)} tokenizers, "
          f"{left_out} left out")


if __name__ == "__main__":
    main()
