"""Makes many random texts with the ids of Transformers for folders with a SentencePiece model, the
files that Transformers writes beside it and no tokenizer.json, to compare a port with.

    python compare_sentencepiece_folders.py --output CASES.jsonl [--count 20000] [--seed 1]
                                            [--drawn 40] [--model tokenizer.model ...]
    METEORA_TOKENIZER_CASES=CASES.jsonl swift test --filter TokenizerComparison

              (pip install -r requirements-torch-4x-late.txt -r requirements-sentencepiece.txt)

Without --model, models of several sets of options are trained and --drawn models of random pieces are
made. Every model gets the files of the golden cases, as far as it has their tokens; with --model, also
folders with random files. They are written beside the output. The lines are those of
compare_tokenizers.py.
"""

import argparse
import json
import random
from pathlib import Path

import sentencepiece_folders
import sentencepiece_pack
import tokenizer_texts
import transformers
from sentencepiece import sentencepiece_model_pb2 as protobuf
from sentencepiece_folders import LLAMA, NAMED, plain, special


def drawn_files(rng, model):
    """Files with random tokens and flags: new ones, and some that the model has."""
    size = len(model.pieces)
    pool = ["<|a|>", "<|ab|>", "ab", " x", "x ", "é", "字", "▁a", "\n", "<0x41>", "of the", "1", "  "]
    rng.shuffle(pool)
    known = {piece.piece: id for id, piece in enumerate(model.pieces)}
    ids, entries = {}, {}
    for content in pool[:rng.randrange(1, len(pool))]:
        ids[content] = known.get(content, size + sum(id >= size for id in ids.values()))
        entry = rng.choice([plain, special])(content, **{
            name: rng.random() < 0.3 for name in ("lstrip", "rstrip", "single_word", "normalized")})
        entries[str(ids[content])] = entry
    settings = {"legacy": rng.choice([True, False, None]), "add_eos_token": rng.random() < 0.2}
    if rng.random() < 0.2:
        settings["add_prefix_space"] = rng.choice([True, False, None])
    if rng.random() < 0.2:
        settings["pad_token"] = rng.choice([*ids, "<pad>"])
    if rng.random() < 0.6:
        return {"tokenizer_config.json": {**NAMED, **settings, "added_tokens_decoder": entries}}
    files = {"tokenizer_config.json": {**LLAMA, **settings}, "added_tokens.json": ids}
    if rng.random() < 0.5:
        files["special_tokens_map.json"] = {
            "additional_special_tokens": rng.sample([*ids, "<y>"], min(len(ids), 2))}
    return files


def models(options, rng):
    """Pairs of a name and the bytes of a model."""
    if options.model:
        return [(path.stem, path.read_bytes()) for path in options.model]
    made = []
    for number, (name, flags) in enumerate(sentencepiece_pack.TRAINED.items()):
        made.append((name, sentencepiece_pack.train(options.seed * 100 + number, 700, **flags)))
    for number in range(options.drawn):
        made.append((f"drawn-{number}", sentencepiece_pack.drawn(rng, [])))
    return made


def folders(options, rng):
    """Pairs of a folder and its files, on disk."""
    root = options.output.with_suffix("")
    made = []
    for name, bytes in models(options, rng):
        model = protobuf.ModelProto.FromString(bytes)
        ids = {piece.piece: id for id, piece in enumerate(model.pieces)}
        choices = {f"random-{n}": drawn_files(rng, model) for n in range(8 if options.model else 3)}
        if options.model:
            fixed = sentencepiece_folders.folders(len(model.pieces), lambda text: ids.get(text, 0))
            choices.update({key: files for key, (files, _) in fixed.items() if key != "redefined"})
        for key, files in choices.items():
            folder = root / f"{name}-{key}"
            sentencepiece_folders.write(folder, bytes, files)
            made.append((folder, files))
    return made


def answered(tokenizer, text, index):
    """The case of a text; None where the library panics: tokens that strip can overlap."""
    try:
        return sentencepiece_folders.encode_case(tokenizer, text, index)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--drawn", type=int, default=40)
    parser.add_argument("--model", type=Path, nargs="*")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    rng = random.Random(options.seed)
    chosen = folders(options, rng)
    each = -(-options.count // len(chosen))
    written = foreign = panics = 0
    with options.output.open("w") as file:
        for number, (folder, files) in enumerate(chosen):
            tokenizer = sentencepiece_folders.load(folder)
            file.write(json.dumps({"tokenizer": str(folder.resolve())}) + "\n")
            names = sentencepiece_folders.names(files)
            texts = tokenizer_texts.texts(options.seed * 1000 + number, each, names, number < 3)
            cases = []
            for index, text in enumerate(tokenizer_texts.with_long(options.seed, texts)):
                case = answered(tokenizer, text, index)
                if case is None:
                    panics += 1
                    case = sentencepiece_folders.encode_case(tokenizer, "", index)
                cases.append(case)
                foreign += not text.isascii()
            written += len(cases)
            cases += sentencepiece_folders.decode_cases(tokenizer, options.seed + number, each // 4)
            for case in cases:
                file.write(json.dumps(case, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"transformers {transformers.__version__}: {written} texts, {foreign} not ASCII, "
          f"{len(chosen)} folders, {panics} times the library panicked")


if __name__ == "__main__":
    main()
