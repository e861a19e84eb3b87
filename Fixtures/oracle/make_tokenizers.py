"""Trains small tokenizers and makes the golden cases of the area "tokenizers".

    python make_tokenizers.py            (pip install -r requirements-tokenizers.txt; Python 3.11)
    python make_tokenizers.py --check    (any of tokenizers 0.19.1, 0.21.4, 0.23.3)

Expected ids and texts come from the `tokenizers` library. `--check` compares the files as they are
with the installed version of the library. 0.19.1 differs in two things, both accounted for here: it
cannot read merges spelled as pairs, and it knows Unicode 14 (cases of `after-unicode-14.jsonl`). 0.23
differs in one: see `decodes_normalized`.

A line of `cases.jsonl` is {"text", "ids"} with ids as encoded without special tokens, and
"with_special" if other ids come out with them (given on every tenth line), "decoded" if decoding
`ids` gives another text, "skipped" if leaving special tokens out of the decoding gives a third.
A line of `decode.jsonl` is {"ids", "decoded"} and "skipped" likewise. A line of `pieces.jsonl` is
{"text", "gpt2", "llama3", "qwen2"}: the lengths in UTF-8 of the pieces that each pattern makes.
"""

import hashlib
import json
import random
import sys
import unicodedata

import manifest
import tokenizer_texts
import unicode_probe
from tokenizer_family_pack import FAMILY_PACK
from tokenizer_pack import BOS, GPT2, LLAMA3, PACK, QWEN2
from tokenizers import Regex, Tokenizer, __version__, pre_tokenizers

VERSION = "0.21.4"
FOLDER = manifest.GOLDEN / "tokenizers"


def specials_of(document):
    return [entry["content"] for entry in document["added_tokens"]]


def load(document):
    """The library's tokenizer; 0.19.1 is given merges in the spelling that it knows, or `None`."""
    document = json.loads(json.dumps(document))
    model = document["model"]
    if __version__ == "0.19.1":
        if any(" " in part for merge in model["merges"] if isinstance(merge, list) for part in merge):
            return None
        model["merges"] = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    tokenizer = Tokenizer.from_str(json.dumps(document))
    assert not any(entry["id"] != tokenizer.token_to_id(entry["content"])
                   for entry in document["added_tokens"])
    return tokenizer


def decode_case(tokenizer, ids, text=None):
    decoded = tokenizer.decode(ids, skip_special_tokens=False)
    skipped = tokenizer.decode(ids, skip_special_tokens=True)
    return {**({"decoded": decoded} if decoded != text else {}),
            **({"skipped": skipped} if skipped != decoded else {})}


def encode_case(tokenizer, text, index):
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    case = {"text": text, "ids": ids}
    if index % 10 == 0:
        with_special = tokenizer.encode(text).ids
        if with_special != ids:
            case["with_special"] = with_special
    return {**case, **decode_case(tokenizer, ids, text)}


def is_newer(character):
    """Whether a scalar is a letter or number that Unicode 14 (that of Python 3.11) lacks."""
    known = pre_tokenizers.Split(Regex(r"\p{L}|\p{N}"), "removed").pre_tokenize_str(character) != []
    return unicodedata.category(character) == "Cn" and not known


def encode_texts(document, count, seed):
    texts = tokenizer_texts.texts(seed, count, specials_of(document))
    is_unknown = unicode_probe.differs if document["normalizer"] else is_newer
    return [text for text in texts if not any(is_unknown(c) for c in text if ord(c) > 0x377)]


def newer_texts():
    """A letter after " unreachable" makes another piece of it, no longer one of the vocabulary."""
    new = [chr(scalar) for scalar in tokenizer_texts.AFTER_UNICODE_14]
    return [a + one + b for one in new for a, b in ((" unreachable", ""), ("1", "234"), ("!", "!"))]


def id_lists(size, seed):
    """Ids in any order: characters cut in two, unknown ids, nothing at all."""
    rng = random.Random(seed)
    lists = [[], [size], [size + 1, 2 ** 32 - 1], list(range(256)), list(range(size + 2))]
    while len(lists) < 100:
        top = rng.choice([256, 256, size, size, size + 5])
        lists.append([rng.randrange(top) for _ in range(rng.randrange(1, 12))])
    return lists


def piece_case(text):
    """The pieces of a text by each pattern."""
    case = {"text": text}
    for name, pattern in (("gpt2", GPT2), ("llama3", LLAMA3), ("qwen2", QWEN2)):
        split = pre_tokenizers.Split(Regex(pattern), "isolated")
        case[name] = [len(piece.encode()) for piece, _ in split.pre_tokenize_str(text)]
    return case


def piece_cases():
    """The old texts first, then those with letters and digits newer than Unicode 14."""
    texts = [t for t in tokenizer_texts.texts(19, 450, []) if not any(map(is_newer, t))]
    new = [chr(scalar) for scalar in tokenizer_texts.AFTER_UNICODE_14]
    newer = [a + one + b for one in new for a, b in (("a", "b"), ("1", "1"), ("!", "!"), (" ", ""))]
    return [piece_case(t) for t in texts], [piece_case(t) for t in newer]


def jsonl(path, cases):
    path.write_text("".join(
        json.dumps(case, ensure_ascii=False, separators=(",", ":")) + "\n" for case in cases))


def write():
    assert __version__ == VERSION, f"tokenizers {__version__} is installed, {VERSION} writes"
    assert unicodedata.unidata_version == "14.0.0"
    entries = []
    for name, (make, count, seed, comment) in {**PACK, **FAMILY_PACK}.items():
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        document = make()
        (folder / "tokenizer.json").write_text(
            json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        tokenizer = load(document)
        files = {"tokenizer": "tokenizer.json", "cases": "cases.jsonl", "decode": "decode.jsonl"}
        texts = encode_texts(document, count, seed)
        jsonl(folder / "cases.jsonl", [encode_case(tokenizer, t, n) for n, t in enumerate(texts)])
        lists = id_lists(tokenizer.get_vocab_size(), seed)
        jsonl(folder / "decode.jsonl", [
            {"ids": ids, "decoded": "", **decode_case(tokenizer, ids)} for ids in lists])
        if name == "llama3-added":
            files["newer"] = "after-unicode-14.jsonl"
            jsonl(folder / files["newer"],
                  [encode_case(tokenizer, t, n) for n, t in enumerate(newer_texts())])
        paths = {key: f"tokenizers/{name}/{file}" for key, file in files.items()}
        digest = {path: hashlib.sha256((manifest.GOLDEN / path).read_bytes()).hexdigest()
                  for path in paths.values()}
        entries.append({
            "id": f"tokenizers/{name}", "comment": comment, "operation": "tokenize",
            "parameters": {"vocabulary_size": tokenizer.get_vocab_size()}, "flags": ["text"],
            "result": "valid", "check": "bits", "origin": "oracle",
            "source": {"script": "make_tokenizers.py", "tokenizers": __version__, "seed": seed},
            "inputs": {"tokenizer": {"file": paths.pop("tokenizer")}},
            "outputs": {key: {"file": path} for key, path in paths.items()}, "sha256": digest})
    write_config()
    entries.append(write_pieces())
    manifest.update("tokenizers", entries, {
        "text": "Lines of JSON with texts and ids; make_tokenizers.py says what their fields mean."})


def write_pieces():
    path = FOLDER / "pieces.jsonl"
    known, newer = piece_cases()
    jsonl(path, known + newer)
    file = "tokenizers/pieces.jsonl"
    return {
        "id": "tokenizers/pieces", "comment": "Where the patterns of GPT-2, Llama 3 and Qwen2 cut.",
        "operation": "split", "parameters": {"patterns": {"gpt2": GPT2, "llama3": LLAMA3,
                                                          "qwen2": QWEN2}},
        "flags": ["text"], "result": "valid", "check": "bits", "origin": "oracle",
        "source": {"script": "make_tokenizers.py", "tokenizers": __version__, "seed": 19},
        "inputs": {"texts": {"file": file}}, "outputs": {"lengths": {"file": file}},
        "sha256": {file: hashlib.sha256(path.read_bytes()).hexdigest()}}


def check_pieces():
    """The number of lines of pieces.jsonl that differ, and of those that should in 0.19.1."""
    lines = (FOLDER / "pieces.jsonl").read_text().split("\n")[:-1]
    now = [case != piece_case(case["text"]) for case in map(json.loads, lines)]
    newer = 4 * len(tokenizer_texts.AFTER_UNICODE_14)
    return sum(now[:-newer]), sum(now[-newer:])


def write_config():
    """tokenizer_config.json of the tokenizer that small model folders use."""
    config = {
        "add_bos_token": True, "bos_token": BOS, "clean_up_tokenization_spaces": True,
        "eos_token": "<|end_of_text|>", "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 131072, "tokenizer_class": "PreTrainedTokenizerFast"}
    (FOLDER / "tiny-llama3" / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def decodes_normalized(document):
    """Whether the installed library decodes added tokens to their normalized content.

    It does so since 0.22, and does not skip those of them that are special.
    """
    is_normalized = any(entry["normalized"] for entry in document["added_tokens"])
    return document["normalizer"] and is_normalized and int(__version__.split(".")[1]) > 21


def check():
    """Compares every committed line with what the installed library says."""
    different, count, newer = [], 0, 0
    for name in [*PACK, *FAMILY_PACK]:
        folder = FOLDER / name
        document = json.loads((folder / "tokenizer.json").read_text())
        tokenizer = load(document)
        if tokenizer is None:
            print(f"{name}: {__version__} cannot read its merges")
            continue
        for file in ("cases.jsonl", "decode.jsonl", "after-unicode-14.jsonl"):
            if not (folder / file).exists():
                continue
            for index, line in enumerate((folder / file).read_text().split("\n")[:-1]):
                case = json.loads(line)
                if "text" in case:
                    now = encode_case(tokenizer, case["text"], index)
                    if decodes_normalized(document):
                        now, case = now["ids"], case["ids"]
                elif decodes_normalized(document):
                    continue
                else:
                    now = {"ids": case["ids"], "decoded": "", **decode_case(tokenizer, case["ids"])}
                count += 1
                if now != case and file.startswith("after") and __version__ == "0.19.1":
                    newer += 1
                elif now != case:
                    different.append((name, file, index + 1))
    pieces, newer_pieces = check_pieces()
    assert newer > 0 and newer_pieces > 0 or __version__ != "0.19.1"
    different += [("pieces",)] * (pieces + (0 if __version__ == "0.19.1" else newer_pieces))
    print(f"tokenizers {__version__}: {count} cases, {len(different)} differ {different[:5]}, "
          f"{newer} more for want of Unicode 16")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    check() if sys.argv[1:] == ["--check"] else write()
