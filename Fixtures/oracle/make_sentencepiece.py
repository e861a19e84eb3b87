"""Trains small SentencePiece models and makes the golden cases of the area "sentencepiece".

    python make_sentencepiece.py    (pip install -r requirements-sentencepiece.txt; Python 3.11)

Expected ids and texts come from the `sentencepiece` library. The lines are those of
make_tokenizers.py: in `cases.jsonl` {"text", "ids"}, with "with_special" (BOS in front) on every
tenth line and "decoded" where it is not the text; in `decode.jsonl` {"ids", "decoded"}. Decoding
shows no control pieces, so that it is the same with and without special tokens.
"""

import hashlib
import random

import manifest
import sentencepiece
import sentencepiece_pack
import tokenizer_texts
from tokenizer_lines import jsonl
from sentencepiece import sentencepiece_model_pb2 as protobuf

FOLDER = manifest.GOLDEN / "sentencepiece"
COMMENTS = {
    "llama2": "Llama 2's options: byte fallback, no normalization, every digit a piece.",
    "plain": "The trainer's own options but for a small map; spaces trimmed and joined, unknowns.",
    "symbols": "User-defined symbols that overlap, hold spaces and line feeds; control symbols.",
    "no-prefix": "No space in front, a map, a surface for unknowns.",
    "suffix": "The space stands behind a word; user-defined symbols with spaces.",
    "across": "Pieces that reach over spaces, scripts and digits.",
    "raw-spaces": "Spaces stay spaces in the pieces.",
}


def decode_case(processor, ids, text=None):
    decoded = processor.decode(ids)
    return {"decoded": decoded} if decoded != text else {}


def encode_case(processor, text, index):
    ids = processor.encode(text)
    case = {"text": text, "ids": ids}
    if index % 10 == 0 and processor.bos_id() >= 0:
        case["with_special"] = [processor.bos_id(), *ids]
    return {**case, **decode_case(processor, ids, text)}


def id_lists(model, seed):
    """Ids in any order: characters cut in two, control pieces between, spaces at the beginning."""
    rng = random.Random(seed)
    size = len(model.pieces)
    bytes = [n for n, piece in enumerate(model.pieces) if piece.type == 6]
    spaces = [n for n, piece in enumerate(model.pieces) if piece.piece.startswith(("▁", " "))][:20]
    lists = [[], [0], [1], [2, 1, 0], list(range(size))]
    while len(lists) < 100:
        pools = [range(size), range(3), spaces or [0], bytes or range(size), bytes[-64:] or [0]]
        lists.append([rng.choice(rng.choice(pools)) for _ in range(rng.randrange(1, 12))])
    return lists


def write():
    entries = []
    for number, (name, options) in enumerate(sentencepiece_pack.TRAINED.items()):
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        seed = 31 + number
        bytes = sentencepiece_pack.train(seed, 800, small_map=True, **options)
        (folder / "tokenizer.model").write_bytes(bytes)
        model = protobuf.ModelProto.FromString(bytes)
        processor = sentencepiece.SentencePieceProcessor(model_proto=bytes)
        specials = [piece.piece for piece in model.pieces if piece.type != 1][:40]
        texts = tokenizer_texts.texts(seed, 300, specials)
        jsonl(folder / "cases.jsonl", [encode_case(processor, t, n) for n, t in enumerate(texts)])
        jsonl(folder / "decode.jsonl", [
            {"ids": ids, "decoded": "", **decode_case(processor, ids)}
            for ids in id_lists(model, seed)])
        files = {key: f"sentencepiece/{name}/{file}" for key, file in (
            ("tokenizer", "tokenizer.model"), ("cases", "cases.jsonl"), ("decode", "decode.jsonl"))}
        entries.append({
            "id": f"sentencepiece/{name}", "comment": COMMENTS[name], "operation": "tokenize",
            "parameters": {"vocabulary_size": len(model.pieces)}, "flags": ["text"],
            "result": "valid", "check": "bits", "origin": "oracle",
            "source": {"script": "make_sentencepiece.py",
                       "sentencepiece": sentencepiece.__version__, "seed": seed},
            "inputs": {"tokenizer": {"file": files["tokenizer"]}},
            "outputs": {key: {"file": files[key]} for key in ("cases", "decode")},
            "sha256": {file: hashlib.sha256((manifest.GOLDEN / file).read_bytes()).hexdigest()
                       for file in files.values()}})
    manifest.update("sentencepiece", entries, {})


if __name__ == "__main__":
    write()
