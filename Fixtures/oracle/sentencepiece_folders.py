"""Folders with a SentencePiece model and the files that Transformers writes beside it, without a
tokenizer.json. Imported by make_sentencepiece_folders.py and compare_sentencepiece_folders.py, not run.
"""

import json
import random
import shutil
import tempfile
from pathlib import Path

import transformers

LLAMA = {"tokenizer_class": "LlamaTokenizer"}
NAMED = {**LLAMA, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
CONTROL, USER_DEFINED = "[C]", "<u>"
FILES = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


def token(content, **flags):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False,
            "single_word": False, **flags}


def typed(content, **flags):
    return {"__type": "AddedToken", **token(content, **flags)}


def special(content, **flags):
    return token(content, special=True, **flags)


def plain(content, **flags):
    return token(content, special=False, **flags)


BASE = [special("<unk>"), special("<s>"), special("</s>")]


def decoder(*tokens, first):
    """added_tokens_decoder with the three tokens of every model and new ones."""
    entries = [*enumerate(BASE), *enumerate(tokens, first)]
    return {"added_tokens_decoder": {str(id): entry for id, entry in entries}}


def chat(size):
    return decoder(special("<|im_start|>"), special("<|im_end|>"), first=size)


def flags(size):
    return decoder(
        special("<l>", lstrip=True), special("<r>", rstrip=True), special("<b>", lstrip=True, rstrip=True),
        special("qword", single_word=True), plain("<n>", normalized=True),
        plain("<nl>", normalized=True, lstrip=True, rstrip=True), plain("two words", normalized=True),
        plain("<w>", normalized=True, single_word=True), plain(" <sp>"), plain("  "), first=size)


def folders(size, id_of):
    """{name: (files, comment)} for a model of `size` pieces, of which `id_of` gives the ids."""
    def config(*parts, **more):
        return {"tokenizer_config.json": {k: v for p in (*parts, more) for k, v in p.items()}}

    redefined = {"added_tokens_decoder": {
        "1": special("<s>", lstrip=True, rstrip=True), "2": special("</s>", normalized=True),
        str(id_of(CONTROL)): plain(CONTROL, normalized=True, rstrip=True),
        str(id_of(USER_DEFINED)): special(USER_DEFINED, normalized=True, lstrip=True),
        str(id_of("an")): plain("an", normalized=True),
        str(size): special("<x>", normalized=True)}}
    return {
        "class": (config(LLAMA), "Nothing but the class: <unk>, <s> and </s> are found."),
        "chat-absent": (config(NAMED, chat(size)), "legacy is not said: true."),
        "chat-legacy": (config(NAMED, chat(size), legacy=True), "A space before every text."),
        "chat": (config(NAMED, chat(size), legacy=False, tokenizer_class="LlamaTokenizerFast"),
                 "A space before the first text only."),
        "flags-legacy": (config(NAMED, flags(size), legacy=True), "Every flag of a token."),
        "flags": (config(NAMED, flags(size), legacy=False), "Every flag of a token."),
        "redefined": (config(NAMED, redefined), "Other flags for tokens that the model has."),
        "no-prefix-legacy": (config(NAMED, chat(size), add_prefix_space=False), "No space."),
        "no-prefix": (config(NAMED, chat(size), add_prefix_space=None, legacy=False),
                      "No space; null is false."),
        "added": ({**config(NAMED, additional_special_tokens=["<x>"]),
                   "added_tokens.json": {"<y>": size + 1, "<x>": size, "an": id_of("an")}},
                  "added_tokens.json: looked for in normalized text, but for special ones."),
        "added-only": ({"added_tokens.json": {"<|im_end|>": size + 1, "<|im_start|>": size}},
                       "added_tokens.json alone, in a folder of the model type llama."),
        "map": ({**config(NAMED, additional_special_tokens=["<y>"], add_eos_token=True),
                 "special_tokens_map.json": {
                     "bos_token": "<b>", "eos_token": token("<e>", rstrip=True),
                     "pad_token": token("<p>", normalized=True),
                     "additional_special_tokens": [token("<x>", lstrip=True), "<y>", "<z>"]}},
                "special_tokens_map.json comes before tokenizer_config.json."),
        "map-only": ({"special_tokens_map.json": {"additional_special_tokens": ["<x>", "<y>"]}},
                     "special_tokens_map.json alone, in a folder of the model type llama."),
        "ignored": ({**config(NAMED, chat(size)), "added_tokens.json": {"<x>": size},
                     "special_tokens_map.json": {"bos_token": "<x>"}},
                    "added_tokens_decoder hides the two other files."),
        "config": (config(LLAMA, bos_token="<b>", eos_token=typed("</s>", rstrip=True),
                          pad_token={"__type": "AddedToken", "content": "<p>"}, mask_token="<m>",
                          sep_token="<sep>", cls_token="<c>", unk_token=None, add_eos_token=True,
                          additional_special_tokens=[typed("<x>", lstrip=True), "<s>", USER_DEFINED],
                          extra_special_tokens={"image": "<i>"}),
                   "Special tokens named by tokenizer_config.json alone, and their order."),
    }


def drawn():
    """(files, comment) for a model of random pieces."""
    config = {**NAMED, "additional_special_tokens": ["<x>"], "legacy": False}
    return ({"tokenizer_config.json": config},
            "Random pieces with equal scores; the third is a normal one, which counts as 0.")


#: What other releases do alike. 4.40 puts a space before every text, and finds no control and no
#: user-defined pieces, no flags for tokens of the model and no extra_special_tokens. 5.23 knows no
#: normalizer for "legacy": true, and false is its standard; it takes null for true in
#: add_prefix_space.
ALIKE = {
    "4.40": ["class", "chat-absent", "chat-legacy", "flags-legacy", "no-prefix-legacy", "added",
             "added-only", "map", "map-only", "ignored"],
    "5.23": ["chat", "flags"],
}


def names(files):
    """All tokens that files name."""
    found = []

    def visit(value):
        if isinstance(value, dict):
            found.extend([value["content"]] if "content" in value else [])
            for key, each in value.items():
                if each is not None and not isinstance(each, (str, bool, int)):
                    visit(each)
                elif isinstance(each, int) and not isinstance(each, bool):
                    found.append(key)
                elif isinstance(each, str) and key.endswith("_token"):
                    found.append(each)
        elif isinstance(value, list):
            for each in value:
                found.append(each) if isinstance(each, str) else visit(each)

    visit(list(files.values()))
    return list(dict.fromkeys([*found, "<s>", "</s>", "<unk>", CONTROL, USER_DEFINED]))


def write(folder, model, files):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.model").write_bytes(model)
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def load(folder):
    """Transformers' tokenizer of a folder, which also gets the config.json of a Llama."""
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        (Path(copy) / "config.json").write_text('{"model_type": "llama"}')
        return transformers.AutoTokenizer.from_pretrained(copy, use_fast=True)


def decoded(tokenizer, ids, text=None):
    kept, skipped = (tokenizer.decode(ids, skip_special_tokens=skips, clean_up_tokenization_spaces=False)
                     for skips in (False, True))
    return {**({"decoded": kept} if kept != text else {}),
            **({"skipped": skipped} if skipped != kept else {})}


def encode_case(tokenizer, text, index):
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    case = {"text": text, "ids": ids}
    if index % 10 == 0:
        case["with_special"] = tokenizer(text)["input_ids"]
    return {**case, **decoded(tokenizer, ids, text)}


def decode_cases(tokenizer, seed, count):
    """Ids in any order, many of them added tokens and bytes."""
    rng = random.Random(seed)
    size = len(tokenizer)
    lists = [[], list(range(3)), list(range(size - 8, size))]
    while len(lists) < count:
        pools = [range(size), range(300), range(size - 12, size), range(8)]
        lists.append([rng.choice(rng.choice(pools)) for _ in range(rng.randrange(1, 12))])
    return [{"ids": ids, "decoded": "", **decoded(tokenizer, ids)} for ids in lists]
