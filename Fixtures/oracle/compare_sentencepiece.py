"""Makes many random texts with the ids of the `sentencepiece` library, to compare a port with.

    python compare_sentencepiece.py --output CASES.jsonl [--count 20000] [--seed 1] [--drawn 60]
                                    [--model tokenizer.model ...]
    METEORA_TOKENIZER_CASES=CASES.jsonl swift test --filter TokenizerComparison

                                    (pip install -r requirements-sentencepiece.txt; Python 3.11)

Without --model, models of every set of options are trained and --drawn models of random pieces are
made; they are written beside the output. The lines are those of compare_tokenizers.py.
"""

import argparse
import json
import random
from pathlib import Path

import make_sentencepiece
import sentencepiece
import sentencepiece_pack
import tokenizer_texts
from sentencepiece import sentencepiece_model_pb2 as protobuf


def models(options, rng):
    """Pairs of a path and whether the model is drawn."""
    if options.model:
        return [(path, False) for path in options.model]
    folder = options.output.with_suffix("")
    folder.mkdir(exist_ok=True)
    made, charsmaps = [], []
    for number, (name, flags) in enumerate(sentencepiece_pack.TRAINED.items()):
        bytes = sentencepiece_pack.train(options.seed * 100 + number, 700, **flags)
        charsmap = protobuf.ModelProto.FromString(bytes).normalizer_spec.precompiled_charsmap
        charsmaps += [charsmap] if charsmap else []
        made.append((folder / f"{name}.model", False))
        made[-1][0].write_bytes(bytes)
    for number in range(options.drawn):
        made.append((folder / f"drawn-{number}.model", True))
        made[-1][0].write_bytes(sentencepiece_pack.drawn(rng, charsmaps))
    return made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--drawn", type=int, default=60)
    parser.add_argument("--model", type=Path, nargs="*")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    chosen = models(options, rng)
    each = -(-options.count // len(chosen))
    written = foreign = 0
    with options.output.open("w") as file:
        for number, (path, is_drawn) in enumerate(chosen):
            processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
            model = protobuf.ModelProto.FromString(path.read_bytes())
            file.write(json.dumps({"tokenizer": str(path.resolve())}) + "\n")
            specials = [piece.piece for piece in model.pieces if piece.type != 1][:40]
            texts = tokenizer_texts.texts(options.seed * 1000 + number, each, specials, number < 8)
            mixed = tokenizer_texts.with_long(options.seed, texts)
            for index, text in enumerate(mixed):
                if is_drawn and index % 4:
                    text = sentencepiece_pack.drawn_text(rng, model)
                if index % 7 == 6:  # A long word, which a port may cut in ways of its own.
                    text = "".join(rng.sample(texts, 8) + [text] * 4).replace(" ", "")
                if index % 5 == 4:
                    ids = [rng.randrange(len(model.pieces)) for _ in range(rng.randrange(9))]
                    case = {"ids": ids, **make_sentencepiece.decode_case(processor, ids)}
                else:
                    case = make_sentencepiece.encode_case(processor, text, index)
                    written += 1
                    foreign += not text.isascii()
                file.write(json.dumps(case, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"sentencepiece {sentencepiece.__version__}: {written} texts, {foreign} not ASCII, "
          f"{len(chosen)} models")


if __name__ == "__main__":
    main()
