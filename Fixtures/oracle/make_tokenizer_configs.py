"""Makes the golden cases of the area "configurations": what a tokenizer_config.json changes.

    python make_tokenizer_configs.py             (pip install -r requirements-torch-4x-late.txt)
    python make_tokenizer_configs.py --check     (also with requirements-torch-4x.txt)

Expected ids are those of Transformers' AutoTokenizer, of releases 4.x, for a folder with a small
tokenizer.json, whose post-processor adds two tokens, and a tokenizer_config.json. The lines are those
of make_tokenizers.py. Releases 5.x do not read add_bos_token and add_eos_token beside a
tokenizer.json.
"""

import hashlib
import json
import sys

import manifest
import tokenizers
import transformers
from tokenizer_lines import jsonl

FOLDER = manifest.GOLDEN / "configurations"
TEXTS = ["", "a", "ab ba", "<s>a", "a</s>b", "é"]
SPECIAL = ["<unk>", "<s>", "</s>", "<x>"]
LLAMA = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>",
         "unk_token": "<unk>"}
FAST = {**LLAMA, "tokenizer_class": "LlamaTokenizerFast"}
PLAIN = {**LLAMA, "tokenizer_class": "PreTrainedTokenizerFast"}
BOTH = {"add_bos_token": True, "add_eos_token": True}


def token(content):
    return {"__type": "AddedToken", "content": content, "lstrip": False, "normalized": False,
            "rstrip": False, "single_word": False}


CONFIGURATIONS = {
    "llama": (LLAMA, "Llama's class adds BOS, whatever the post-processor would add."),
    "llama-both": ({**LLAMA, **BOTH}, "Llama's class adds BOS and EOS."),
    "llama-neither": ({**LLAMA, "add_bos_token": False}, "Llama's class adds nothing."),
    "llama-end": ({**LLAMA, "add_bos_token": False, "add_eos_token": True}, "Only EOS."),
    "llama-standard": ({"tokenizer_class": "LlamaTokenizer", **BOTH},
                       "BOS and EOS are <s> and </s> where no other is named."),
    "fast-objects": ({**FAST, **BOTH, "bos_token": token("<x>"), "eos_token": token("<s>")},
                     "Tokens given as objects, other ones than usual."),
    "fast-no-begin": ({**FAST, "bos_token": None, "add_bos_token": False, "add_eos_token": True},
                      "There is no BOS, and none is to be added."),
    "llama-null": ({**LLAMA, "bos_token": None, "add_bos_token": None, "add_eos_token": None},
                   "null is false, and not the standard."),
    "code-llama": ({**FAST, "tokenizer_class": "CodeLlamaTokenizer", "add_eos_token": True},
                   "Code Llama's class does as Llama's."),
    "plain-both": ({**PLAIN, **BOTH}, "Another class leaves the post-processor as it is."),
    "plain-neither": ({**PLAIN, "add_bos_token": False, "add_eos_token": False},
                      "Another class leaves the post-processor as it is."),
}


def document():
    """A tokenizer.json of a few tokens; its post-processor puts <x> on both sides."""
    names = [*SPECIAL, "a", "b", "▁", "ab", "▁a"]
    entries = [{"id": id, "content": name, "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True} for id, name in enumerate(SPECIAL)]
    around = {"SpecialToken": {"id": "<x>", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": entries,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing", "single": [around, text, around],
            "pair": [around, text, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<x>": {"id": "<x>", "ids": [3], "tokens": ["<x>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": False,
            "vocab": {name: id for id, name in enumerate(names)}, "merges": ["a b", "▁ a"]}}


def case(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]

    def decoded(skips):
        return tokenizer.decode(ids, skip_special_tokens=skips, clean_up_tokenization_spaces=False)

    return {"text": text, "ids": ids, "with_special": tokenizer(text)["input_ids"],
            "decoded": decoded(False), "skipped": decoded(True)}


def cases(name, config):
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(document(), ensure_ascii=False) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, ensure_ascii=False) + "\n")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, use_fast=True)
    return [case(tokenizer, text) for text in TEXTS]


def entry(name, comment):
    files = {key: f"configurations/{name}/{file}" for key, file in (
        ("tokenizer", "tokenizer.json"), ("configuration", "tokenizer_config.json"),
        ("cases", "cases.jsonl"))}
    return {
        "id": f"configurations/{name}", "comment": comment, "operation": "tokenize",
        "parameters": {}, "flags": ["text"], "result": "valid", "check": "bits", "origin": "oracle",
        "source": {"script": "make_tokenizer_configs.py", "tokenizers": tokenizers.__version__,
                   "transformers": transformers.__version__},
        "inputs": {key: {"file": files[key]} for key in ("tokenizer", "configuration")},
        "outputs": {"cases": {"file": files["cases"]}},
        "sha256": {file: hashlib.sha256((manifest.GOLDEN / file).read_bytes()).hexdigest()
                   for file in files.values()}}


def main():
    made = {name: cases(name, config) for name, (config, _) in CONFIGURATIONS.items()}
    if sys.argv[1:] == ["--check"]:
        different = [name for name, lines in made.items()
                     if (FOLDER / name / "cases.jsonl").read_text().split("\n")[:-1]
                     != [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines]]
        print(f"transformers {transformers.__version__}: {len(made)} cases, differ: {different}")
        sys.exit(1 if different else 0)
    for name, lines in made.items():
        jsonl(FOLDER / name / "cases.jsonl", lines)
    manifest.update("configurations", [entry(name, comment)
                                       for name, (_, comment) in CONFIGURATIONS.items()], {})


if __name__ == "__main__":
    main()
