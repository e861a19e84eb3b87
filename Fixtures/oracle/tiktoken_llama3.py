"""Llama 3's tokenizer over any tiktoken file, by the `tiktoken` library. Imported, not run."""

import base64

import tiktoken

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
           r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
NAMED = ["begin_of_text", "end_of_text", "reserved_special_token_0", "reserved_special_token_1",
         "finetune_right_pad_id", "step_id", "start_header_id", "end_header_id", "eom_id", "eot_id",
         "python_tag", "image"]
#: 256 names in the order of their ids, as the package llama-models 0.3.0 has them.
SPECIAL = [f"<|{name}|>"
           for name in NAMED + [f"reserved_special_token_{n}" for n in range(2, 246)]]


def dump(ranks):
    """The bytes of a tiktoken file."""
    return b"".join(base64.b64encode(token) + b" %d\n" % rank
                    for token, rank in sorted(ranks.items(), key=lambda item: item[1]))


def load(path):
    """The library's tokenizer of a file."""
    ranks = {}
    for line in path.read_bytes().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    special = {token: len(ranks) + n for n, token in enumerate(SPECIAL)}
    return tiktoken.Encoding("file", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens=special)


def decode_case(encoding, ids, text=None):
    decoded = encoding.decode(ids)
    first = encoding.encode_single_token(SPECIAL[0])
    skipped = encoding.decode([id for id in ids if id < first])
    return {**({"decoded": decoded} if decoded != text else {}),
            **({"skipped": skipped} if skipped != decoded else {})}


def encode_case(encoding, text, index):
    ids = encoding.encode(text, allowed_special="all", disallowed_special=())
    case = {"text": text, "ids": ids}
    if index % 10 == 0:
        case["with_special"] = [encoding.encode_single_token(SPECIAL[0]), *ids]
    return {**case, **decode_case(encoding, ids, text)}
