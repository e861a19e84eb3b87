"""Makes a tokenizer.json of 130 000 tokens from a tekken file of the package mistral-common.

    python convert_tekken.py tekken.json tokenizer.json

                                 (pip install -r requirements-tokenizers.txt; Python 3.11)

The files are in mistral-common 1.13.1 (mistral_common/data/tekken_240718.json, tekken_240911.json)
and not kept here. The special tokens have the ids before the ranks; merges as in convert_llama3.py.
"""

import base64
import json
import sys

import tokenizer_pack
from convert_llama3 import alphabet, merges_of


def main(source, output):
    with open(source) as file:
        tekken = json.load(file)
    config = tekken["config"]
    first = config["default_num_special_tokens"]
    count = config["default_vocab_size"] - first
    ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"]
             for entry in tekken["vocab"][:count]}
    names = [entry["token_str"] for entry in tekken.get("special_tokens") or []]
    names += ["<unk>", "<s>", "</s>"][len(names):]
    names += [f"<SPECIAL_{n}>" for n in range(len(names), first)]
    characters = alphabet()
    vocabulary = {"".join(characters[byte] for byte in token): first + rank
                  for token, rank in ranks.items()}
    document = tokenizer_pack.whole(
        {**{name: id for id, name in enumerate(names)}, **vocabulary}, merges_of(ranks),
        ignore_merges=True,
        added_tokens=[tokenizer_pack.added(id, name) for id, name in enumerate(names)],
        pre_tokenizer=tokenizer_pack.split_then_bytes(config["pattern"]),
        post_processor=tokenizer_pack.template("<s>", 1), decoder=tokenizer_pack.byte_level())
    with open(output, "w") as file:
        json.dump(document, file, ensure_ascii=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
