"""Makes the golden cases of the area "tokenizer-folders": a SentencePiece model with the files that
Transformers writes beside it, and no tokenizer.json.

    python make_sentencepiece_folders.py             (pip install -r requirements-torch-4x-late.txt
                                                      -r requirements-sentencepiece.txt)
    python make_sentencepiece_folders.py --check     (requirements-torch-4x.txt or -torch-5x.txt
                                                      instead of the first)

Expected ids and texts are those of AutoTokenizer of Transformers 4.57.6. The lines are those of
make_sentencepiece.py.
"""

import hashlib
import json
import random
import sys

import manifest
import sentencepiece
import sentencepiece_folders
import tokenizer_texts
import tokenizers
import transformers
from sentencepiece_folders import CONTROL, FILES, USER_DEFINED
from tokenizer_lines import jsonl

FOLDER = manifest.GOLDEN / "tokenizer-folders"
SEED = 71


def drawn_model():
    """Random pieces of which many have the same score, so that the order of merges is the rule's; the
    third piece is a normal one, whose score the conversion takes for 0."""
    import sentencepiece_pack
    from sentencepiece import sentencepiece_model_pb2 as protobuf
    model = protobuf.ModelProto.FromString(sentencepiece_pack.drawn(random.Random(SEED), []))
    pieces = [piece for piece in model.pieces if piece.type != sentencepiece_pack.UNUSED]
    for piece in pieces:
        if piece.type == sentencepiece_pack.NORMAL and len(piece.piece) > 1:
            piece.score = -len(piece.piece) // 3
    pieces.append(pieces.pop(2))
    pair = next(n for n, piece in enumerate(pieces) if piece.type == 1 and len(piece.piece) == 2)
    pieces.insert(2, pieces.pop(pair))
    pieces[2].score = -30
    del model.pieces[:]
    model.pieces.extend(pieces)
    return model


def drawn_texts(model):
    """Pieces of the model side by side."""
    rng = random.Random(SEED)
    texts = [piece.piece.replace("▁", " ") for piece in model.pieces]
    return ["".join(rng.choices(texts, k=rng.randrange(1, 12))) for _ in range(100)]


def made(tokenizer, files, more):
    named = sentencepiece_folders.names(files)
    texts = ["", "a", "ab ba", *named, *(f"a {name} b" for name in named),
             "".join(named), " ".join(named), f"  {named[0]}  {named[-1]}\n"]
    texts += more or tokenizer_texts.texts(SEED, 40, named, hand_picked=False)
    return ([sentencepiece_folders.encode_case(tokenizer, text, n) for n, text in enumerate(texts)],
            sentencepiece_folders.decode_cases(tokenizer, SEED, 40))


def entry(name, comment, present):
    files = {"tokenizer": f"tokenizer-folders/{name}/tokenizer.model"}
    for key, file in zip(("configuration", "second", "third"), present):
        files[key] = f"tokenizer-folders/{name}/{file}"
    outputs = {key: f"tokenizer-folders/{name}/{key}.jsonl" for key in ("cases", "decode")}
    return {
        "id": f"tokenizer-folders/{name}", "comment": comment, "operation": "tokenize",
        "parameters": {}, "flags": ["text"], "result": "valid", "check": "bits", "origin": "oracle",
        "source": {"script": "make_sentencepiece_folders.py", "transformers": transformers.__version__,
                   "tokenizers": tokenizers.__version__, "sentencepiece": sentencepiece.__version__,
                   "seed": SEED},
        "inputs": {key: {"file": file} for key, file in files.items()},
        "outputs": {key: {"file": file} for key, file in outputs.items()},
        "sha256": {file: hashlib.sha256((manifest.GOLDEN / file).read_bytes()).hexdigest()
                   for file in (*files.values(), *outputs.values())}}


def check():
    """Compares with the texts that are there, as far as the release is to do the same; 4.40 finds no
    control and no user-defined pieces."""
    release = ".".join(transformers.__version__.split(".")[:2])
    names = sentencepiece_folders.ALIKE.get(release, [each.name for each in FOLDER.iterdir()])
    number, different = 0, []
    for name in names:
        tokenizer = sentencepiece_folders.load(FOLDER / name)
        for line in (FOLDER / name / "cases.jsonl").read_text().split("\n")[:-1]:
            text, ids = (json.loads(line)[key] for key in ("text", "ids"))
            if release == "4.40" and (CONTROL in text or USER_DEFINED in text):
                continue
            number += 1
            if tokenizer(text, add_special_tokens=False)["input_ids"] != ids:
                different.append((name, text))
    print(f"transformers {transformers.__version__}: {number} texts of {len(names)} folders, "
          f"{len(different)} differences {different[:20]}")
    sys.exit(1 if different else 0)


def main():
    transformers.logging.set_verbosity_error()
    if sys.argv[1:] == ["--check"]:
        check()
    # Not at the top: 4.40 has a copy of what this imports, and both cannot be there.
    import sentencepiece_pack
    model = sentencepiece_pack.train(
        SEED, 420, byte_fallback=True, normalization_rule_name="identity",
        remove_extra_whitespaces=False, split_digits=True, control_symbols=[CONTROL],
        user_defined_symbols=[USER_DEFINED])
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    definitions = sentencepiece_folders.folders(processor.get_piece_size(), processor.piece_to_id)
    drawn = drawn_model()
    definitions["drawn"] = sentencepiece_folders.drawn()
    entries = []
    for name, (files, comment) in definitions.items():
        folder = FOLDER / name
        is_drawn = name == "drawn"
        sentencepiece_folders.write(
            folder, drawn.SerializeToString(deterministic=True) if is_drawn else model, files)
        cases, decode = made(sentencepiece_folders.load(folder), files,
                             drawn_texts(drawn) if is_drawn else None)
        jsonl(folder / "cases.jsonl", cases)
        jsonl(folder / "decode.jsonl", decode)
        entries.append(entry(name, comment, [file for file in FILES if file in files]))
    manifest.update("tokenizer-folders", entries, {})


if __name__ == "__main__":
    main()
