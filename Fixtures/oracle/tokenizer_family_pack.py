"""The golden pack's small tokenizers of other families. Imported by make_tokenizers.py, not run."""

import random

from tokenizer_families import (LLAMA2_DECODER, plain, regex_steps, replace, sequence, split,
                                with_bytes, with_characters)
from tokenizer_pack import added, byte_level, template

LLAMA2_NORMALIZER = plain("Sequence", normalizers=[plain("Prepend", prepend="▁"), replace(" ", "▁")])
SIZE = 300


def characters(**parts):
    return with_characters(random.Random(0), size=SIZE, **parts)


def bytes_only(steps, **parts):
    return with_bytes(random.Random(0), size=350, pre_tokenizer=steps, **parts)


def llama2():
    """Llama 2's file in small."""
    return characters(normalizer=LLAMA2_NORMALIZER, decoder=LLAMA2_DECODER,
                      post_processor=template("<s>", 1))


def llama2_normalized():
    """Llama 2's file as it was at first: its special tokens are looked for in normalized text."""
    document = llama2()
    first = len(document["model"]["vocab"])
    document["added_tokens"] = [added(n, token, normalized=True) for n, token in
                                enumerate(["<unk>", "<s>", "</s>"])]
    document["added_tokens"] += [added(first, "a b", False, normalized=True), added(first + 1, "[X]", rstrip=True)]
    return document


def metaspace(**options):
    meta = plain("Metaspace", replacement="▁", **options)
    return characters(pre_tokenizer=meta, decoder=meta)


def gemma():
    decoder = plain("Sequence", decoders=[replace("▁", " "), plain("ByteFallback"), plain("Fuse")])
    return characters(normalizer=replace(" ", "▁"), decoder=decoder,
                      pre_tokenizer=split(" ", "MergedWithPrevious", string=True))


def normalizers(*steps, **parts):
    return characters(spaced=True, normalizer=sequence(len(steps) > 1, "normalizers", list(steps)),
                      decoder=LLAMA2_DECODER, **parts)


def lowered():
    """Added tokens are normalized too, so that "GRÖSSE" and "ﬀ" are found in other spellings."""
    document = normalizers(plain("Strip", strip_left=True, strip_right=True), plain("NFKC"),
                           plain("Lowercase"), replace(r" {2,}", "▁", True), replace("''", '"'))
    first = len(document["model"]["vocab"])
    document["added_tokens"] += [
        added(first, "GRÖSSE", False, normalized=True), added(first + 1, "ﬀ", False, normalized=True),
        added(first + 2, "É", False, normalized=True, single_word=True)]
    return document


def behaviors():
    """Each behavior once, a space before every piece that comes out."""
    steps = [split(r"[.,;]", "Contiguous"), split("e", "MergedWithPrevious", string=True),
             split(r"\p{Lu}(?=\p{Ll})", "MergedWithNext"), split(r"\s{2,}", "Removed"),
             split(r"[a-z]+?o|\w", "Isolated", invert=True)]
    return bytes_only(plain("Sequence", pretokenizers=[*steps, byte_level(prefix=True, regex=False)]))


def plain_steps():
    steps = [plain("Punctuation", behavior="Contiguous"), plain("Digits", individual_digits=False),
             plain("Whitespace")]
    return characters(spaced=True, pre_tokenizer=plain("Sequence", pretokenizers=steps))


def decoders():
    """Steps in an order that no file has: what comes after Fuse sees the whole text."""
    steps = [plain("ByteFallback"), replace("▁", " "), plain("Strip", content="t", start=2, stop=0),
             plain("Fuse"), plain("Strip", content=" ", start=3, stop=0), replace(r"[a-c]+ ", "<", True)]
    return characters(normalizer=LLAMA2_NORMALIZER, decoder=plain("Sequence", decoders=steps))


# name: (maker, number of texts, seed, what it pins)
FAMILY_PACK = {
    "llama2": (llama2, 300, 21, "Llama 2's file in small: Prepend, Replace, byte fallback."),
    "llama2-normalized": (llama2_normalized, 150, 22, "Llama 2's special tokens when they were "
                          "looked for in normalized text."),
    "metaspace-first": (lambda: metaspace(prepend_scheme="first", split=False), 150, 23,
                        "Metaspace as legacy=false writes it."),
    "metaspace-always": (lambda: metaspace(add_prefix_space=True, str_rep="▁"), 150, 24,
                         "Metaspace in its old spelling; pieces are cut."),
    "gemma": (gemma, 150, 25, "Gemma's: spaces replaced, then a pattern that finds none."),
    "nfkc-lowercase": (lowered, 250, 26, "Strip, NFKC, Lowercase and Replace, added tokens "
                       "normalized."),
    "nfd-accents": (lambda: normalizers(plain("NFD"), plain("StripAccents"), replace(r"\s+", " ", True)),
                    150, 27, "NFD, StripAccents, a pattern replaced."),
    "nfc": (lambda: normalizers(plain("NFC")), 150, 28, "NFC."),
    "nfkd": (lambda: normalizers(plain("NFKD")), 150, 29, "NFKD."),
    "o200k": (lambda: bytes_only(regex_steps("o200k")), 200, 30, "The pattern of GPT-4o and Llama 4."),
    "deepseek": (lambda: bytes_only(regex_steps("digits", "cjk", "deepseek")), 200, 31,
                 "DeepSeek V3's three patterns."),
    "bloom": (lambda: bytes_only(regex_steps("bloom")), 100, 32, "BLOOM's pattern, a class in a class."),
    "behaviors": (behaviors, 200, 33, "Split with every behavior, strings, inverted."),
    "plain-steps": (plain_steps, 150, 34, "Punctuation, Digits and Whitespace; no decoder."),
    "decoders": (decoders, 150, 35, "Decoder steps in an order that no file has."),
}
