"""Makes a tokenizer.json of Llama 3's size from the tiktoken file of Llama 3's vocabulary.

    python convert_llama3.py tokenizer.model tokenizer.json

                                 (pip install -r requirements-tokenizers.txt; Python 3.11)

The vocabulary is that of Meta's package llama-models 0.3.0 (llama_models/llama3/tokenizer.model,
under Meta's licence, so neither file is kept here). Every token that two other tokens join to is a
merge, ordered by its rank, then by the ranks of its parts, as Hugging Face's file has them.
"""

import base64
import json
import sys

import tokenizer_pack

NAMED = ["<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>",
         "<|reserved_special_token_1|>", "<|finetune_right_pad_id|>", "<|step_id|>",
         "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>", "<|python_tag|>",
         "<|image|>"]


def alphabet():
    """The byte-level character of every byte."""
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in kept]
    return {**{byte: chr(byte) for byte in kept},
            **{byte: chr(0x100 + index) for index, byte in enumerate(others)}}


def merges_of(ranks):
    """The merges "a b" by which a tokenizer.json comes to the same tokens as the ranks."""
    characters = alphabet()

    def text(token):
        return "".join(characters[byte] for byte in token)

    merges = []
    for token, rank in ranks.items():
        for cut in range(1, len(token)):
            left, right = token[:cut], token[cut:]
            if left in ranks and right in ranks:
                merges.append((rank, ranks[left], ranks[right], f"{text(left)} {text(right)}"))
    return [merge for *_, merge in sorted(merges)]


def main(model, output):
    ranks = {}
    for line in open(model, "rb").read().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    characters = alphabet()
    names = NAMED + [f"<|reserved_special_token_{n}|>" for n in range(2, 256 - len(NAMED) + 2)]
    first = len(ranks)
    document = tokenizer_pack.whole(
        {"".join(characters[byte] for byte in token): rank for token, rank in ranks.items()},
        merges_of(ranks), ignore_merges=True,
        added_tokens=[tokenizer_pack.added(first + n, name) for n, name in enumerate(names)],
        pre_tokenizer=tokenizer_pack.split_then_bytes(tokenizer_pack.LLAMA3),
        post_processor={"type": "Sequence", "processors": [
            tokenizer_pack.byte_level(), tokenizer_pack.template(names[0], first)]},
        decoder=tokenizer_pack.byte_level())
    with open(output, "w") as file:
        json.dump(document, file, ensure_ascii=False, indent=2)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
