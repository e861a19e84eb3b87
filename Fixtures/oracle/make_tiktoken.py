"""Trains a small tiktoken file and makes the golden cases of the area "tiktoken".

    python make_tiktoken.py    (pip install -r requirements-tiktoken.txt; Python 3.11)

The ranks come from the trainer of the `tiktoken` package, the expected ids and texts from its
`Encoding`, with Llama 3's pattern and special tokens. The lines are those of make_tokenizers.py;
special tokens are recognised in the text.
"""

import hashlib
import random

import manifest
import tiktoken
import tiktoken_llama3
import tokenizer_texts
from tiktoken._educational import bpe_train
from tokenizer_lines import jsonl

SEED = 41
FOLDER = manifest.GOLDEN / "tiktoken"


def id_lists(size):
    """Ids in any order: characters cut in two, special tokens, nothing at all."""
    rng = random.Random(SEED)
    lists = [[], [size - 256], [size - 1], list(range(256)), list(range(size))]
    while len(lists) < 100:
        top = rng.choice([256, 256, size - 256, size - 240, size])
        lists.append([rng.randrange(top) for _ in range(rng.randrange(1, 12))])
    return lists


def write():
    folder = FOLDER / "llama3"
    folder.mkdir(parents=True, exist_ok=True)
    corpus = "\n".join(tokenizer_texts.corpus(SEED, 800, 7))
    ranks = bpe_train(corpus, 480, tiktoken_llama3.PATTERN, visualise=None)
    (folder / "tokenizer.model").write_bytes(tiktoken_llama3.dump(ranks))
    encoding = tiktoken_llama3.load(folder / "tokenizer.model")
    texts = tokenizer_texts.texts(SEED, 400, tiktoken_llama3.SPECIAL[:16])
    jsonl(folder / "cases.jsonl",
          [tiktoken_llama3.encode_case(encoding, t, n) for n, t in enumerate(texts)])
    jsonl(folder / "decode.jsonl",
          [{"ids": ids, "decoded": "", **tiktoken_llama3.decode_case(encoding, ids)}
           for ids in id_lists(encoding.n_vocab)])
    files = {key: f"tiktoken/llama3/{file}" for key, file in (
        ("tokenizer", "tokenizer.model"), ("cases", "cases.jsonl"), ("decode", "decode.jsonl"))}
    manifest.update("tiktoken", [{
        "id": "tiktoken/llama3",
        "comment": "Llama 3's pattern and special tokens over a small file of ranks.",
        "operation": "tokenize", "parameters": {"vocabulary_size": encoding.n_vocab},
        "flags": ["text"], "result": "valid", "check": "bits", "origin": "oracle",
        "source": {"script": "make_tiktoken.py", "tiktoken": tiktoken.__version__, "seed": SEED},
        "inputs": {"tokenizer": {"file": files["tokenizer"]}},
        "outputs": {key: {"file": files[key]} for key in ("cases", "decode")},
        "sha256": {file: hashlib.sha256((manifest.GOLDEN / file).read_bytes()).hexdigest()
                   for file in files.values()}}], {})


if __name__ == "__main__":
    write()
