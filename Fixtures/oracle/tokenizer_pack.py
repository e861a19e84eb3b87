"""The small tokenizers of the golden pack, as documents. Imported by make_tokenizers.py, not run."""

import json

import tokenizer_texts
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
BOS, EOT = "<|begin_of_text|>", "<|eot_id|>"
LLAMA3_SPECIAL = [
    BOS, "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>",
    "<|finetune_right_pad_id|>", "<|reserved_special_token_2|>", "<|start_header_id|>",
    "<|end_header_id|>", "<|eom_id|>", EOT, "<|python_tag|>",
    *[f"<|reserved_special_token_{n}|>" for n in range(3, 8)],
]


def added(id, content, special=True, **flags):
    """An entry of added_tokens as the library writes it."""
    entry = {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": special}
    assert set(flags) <= set(entry)
    return {**entry, **flags}


def byte_level(prefix=False, regex=True):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def split_then_bytes(pattern):
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [split, byte_level(regex=False)]}


def template(bos, id):
    def token(type_id):
        return {"SpecialToken": {"id": bos, "type_id": type_id}}

    return {
        "type": "TemplateProcessing",
        "single": [token(0), {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [token(0), {"Sequence": {"id": "A", "type_id": 0}},
                 token(1), {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {bos: {"id": bos, "ids": [id], "tokens": [bos]}},
    }


def train(lines, size, pre_tokenizer):
    """Vocabulary and merges (as pairs) of a byte-level BPE of `size` tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], model["merges"]


def whole(vocab, merges, **parts):
    """A tokenizer.json with every field of the library's own order."""
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
             "ignore_merges": parts.pop("ignore_merges", False), **parts.pop("model", {}),
             "vocab": vocab, "merges": merges}
    names = ["version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
             "post_processor", "decoder"]
    assert set(parts) <= set(names)
    blank = {**dict.fromkeys(names), "version": "1.0", "added_tokens": []}
    return {**blank, **parts, "model": model}


def regex_pre_tokenizer(pattern):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def tiny_llama3():
    """512 tokens, shaped as Llama 3.1's file, merges spelled "a b"."""
    lines = tokenizer_texts.corpus(1, 3000, multilingual=0)
    vocab, merges = train(lines, 512 - len(LLAMA3_SPECIAL), regex_pre_tokenizer(LLAMA3))
    first = len(vocab)
    return whole(
        vocab, [" ".join(pair) for pair in merges], ignore_merges=True,
        added_tokens=[added(first + n, token) for n, token in enumerate(LLAMA3_SPECIAL)],
        pre_tokenizer=split_then_bytes(LLAMA3),
        post_processor={"type": "Sequence", "processors": [byte_level(), template(BOS, first)]},
        decoder=byte_level())


def llama3_added():
    """1000 tokens, merges as pairs, words without merges, and added tokens of every kind."""
    words = ["Ġunreachable", "Ġmodèle".encode().decode(), "æ¨¡åĻ¨", "'ll", "Ġ12"]
    kinds = [
        *[(token, True, {}) for token in LLAMA3_SPECIAL[:10]],
        (EOT + EOT, True, {}),
        ("<tool", False, {}), ("<tool_call>", False, {}), ("</tool_call>", False, {}),
        ("<l>", True, {"lstrip": True}), ("<r>", True, {"rstrip": True}),
        ("<lr>", False, {"lstrip": True, "rstrip": True}),
        ("<w>", False, {"single_word": True}), ("word", False, {"single_word": True}),
        ("<wlr>", True, {"single_word": True, "lstrip": True, "rstrip": True}),
        ("<n>", False, {"normalized": True}), ("<n>x", True, {"normalized": True}),
        ("x<n", False, {"normalized": False}), ("  ", False, {"normalized": True}),
        ("café", False, {}), ("人工", False, {}), ("xy", False, {"normalized": True}),
        ("\n\n\n\n", False, {}), ("a b", False, {"normalized": True, "single_word": True}),
    ]
    lines = tokenizer_texts.corpus(2, 4000, multilingual=3)
    new = [token for token, _, _ in kinds]
    vocab, merges = train(lines, 1000 - len(new) - len(words), regex_pre_tokenizer(LLAMA3))
    words = [word for word in words if word not in vocab]
    for word in words:
        vocab[word] = len(vocab)
    entries, first = [], len(vocab)
    for token, special, flags in kinds:
        id = vocab.get(token, first)
        first += token not in vocab
        entries.append(added(id, token, special, **flags))
    return whole(
        vocab, merges, ignore_merges=True, added_tokens=entries,
        pre_tokenizer=split_then_bytes(LLAMA3),
        post_processor=template(BOS, next(e["id"] for e in entries if e["content"] == BOS)),
        decoder=byte_level())


def gpt2_prefix():
    """700 tokens, GPT-2's own pattern inside ByteLevel, a space put before every segment."""
    lines = tokenizer_texts.corpus(3, 3000, multilingual=6)
    vocab, merges = train(lines, 699, pre_tokenizers.ByteLevel(add_prefix_space=True))
    end = "<|endoftext|>"
    return whole(
        vocab, [" ".join(pair) for pair in merges], added_tokens=[added(len(vocab), end)],
        model={"unk_token": "", "continuing_subword_prefix": "", "end_of_word_suffix": ""},
        pre_tokenizer=byte_level(prefix=True), post_processor=byte_level(), decoder=byte_level())


def qwen2():
    """500 tokens, one digit a piece, a space before every piece: Split first, ByteLevel after."""
    lines = tokenizer_texts.corpus(4, 2000, multilingual=4)
    vocab, merges = train(lines, 498, regex_pre_tokenizer(QWEN2))
    steps = split_then_bytes(QWEN2)
    steps["pretokenizers"][1]["add_prefix_space"] = True
    tokens = ["<|im_start|>", "<|im_end|>"]
    return whole(
        vocab, merges, added_tokens=[added(498 + n, token) for n, token in enumerate(tokens)],
        pre_tokenizer=steps, decoder=byte_level())


def plain(fuse, fallback, spaces=False):
    """A handful of tokens without pre-tokenizer and decoder: unknown scalars and byte fallback."""
    names = ["<unk>", "a", "b", "c", " ", "é", "字", "ab", "abc", "bc", " a"]
    names += ["<unk>a", "<unk><unk>"]
    names += [f"<0x{byte:02X}>" for byte in (0x0A, 0x78, 0xC3, 0xA8, 0xE4, 0xB8, 0x80)]
    names += ["<0x78>a"]
    merges = [("b", "c"), ("a", "b"), ("<unk>", "a"), ("<unk>", "<unk>"), ("<0x78>", "a"),
              *([(" ", "a")] if spaces else []), ("ab", "c"), ("b", "c")]
    return whole(
        {name: index for index, name in enumerate(names)}, merges,
        model={"unk_token": "<unk>", "fuse_unk": fuse, "byte_fallback": fallback},
        added_tokens=[added(0, "<unk>")])


def plain_added():
    """Added tokens that touch, overlap and swallow white space that others begin with."""
    names = ["a", "b", "c", "ab", " ", "\n", "\t", "A", "B", "_", "字"]
    kinds = [
        ("A", True, {"rstrip": True}), ("  ", False, {}), (" B", False, {}),
        ("AA", False, {"single_word": True}), ("\n\n", True, {"rstrip": True}),
        ("c", False, {"single_word": True, "lstrip": True, "rstrip": True, "normalized": True}),
        ("bb", False, {"normalized": True, "rstrip": True}), (" A", False, {"normalized": True}),
    ]
    entries, first = [], len(names)
    for token, special, flags in kinds:
        entries.append(added(names.index(token) if token in names else first, token, special, **flags))
        first += token not in names
    return whole({name: n for n, name in enumerate(names)}, ["a b"], added_tokens=entries)


# name: (maker, number of texts, seed, what it pins)
PACK = {
    "tiny-llama3": (tiny_llama3, 350, 11, "Llama 3's file in small: 512 tokens, BOS in front."),
    "llama3-added": (llama3_added, 1000, 12, "Merges as pairs, ignore_merges, added tokens of all "
                     "kinds."),
    "gpt2-prefix": (gpt2_prefix, 350, 13, "GPT-2's pattern inside ByteLevel, add_prefix_space."),
    "qwen2": (qwen2, 250, 14, "Qwen2's pattern; a space before every piece; no post-processor."),
    "plain-unknown": (lambda: plain(False, False, True), 150, 15, "Unknown scalars, one unk each; a "
                      "merge with a space in it, which only the spelling as pairs can hold."),
    "plain-fused": (lambda: plain(True, False), 150, 16, "Unknown scalars, a run fused to one unk."),
    "plain-added": (plain_added, 250, 18, "Added tokens that touch, overlap and swallow white space."),
    "plain-fallback": (lambda: plain(True, True), 150, 17, "Byte fallback beside unk; a unk not yet "
                       "written comes after the bytes that follow it."),
}
