"""Tokenizers of many families, as documents. Imported by the tokenizer scripts, not run.

`FAMILIES` has for each family a function (rng, number) -> document. The vocabularies are trained
here; what surrounds them is as the published files of the family have it, or mixed at random.
"""

import collections
import functools
import json

import tokenizer_texts
from tokenizer_pack import (GPT2, LLAMA3, QWEN2, added, byte_level, regex_pre_tokenizer, template,
                            train, whole)
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
BEFORE = r"[^\r\n\p{L}\p{N}]?"
ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PATTERNS = {
    "gpt2": GPT2, "llama3": LLAMA3, "qwen2": QWEN2,
    "o200k": f"{BEFORE}{UPPER}*{LOWER}+{ENDING}|{BEFORE}{UPPER}+{LOWER}*{ENDING}|\\p{{N}}{{1,3}}|{REST}",
    "tekken": f"{BEFORE}{UPPER}*{LOWER}+|{BEFORE}{UPPER}+{LOWER}*|\\p{{N}}|{REST}",
    "deepseek": r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"
                r" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "cjk": "[一-龥぀-ゟ゠-ヿ]+",
    "bloom": r" ?[^(\s|[.,!?…。，、।۔،])]+",
    "falcon": "[0-9][0-9][0-9]",
    "deepseek-coder": r"\s?\p{L}+",
    "marks": r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
    "end": r"\s+$", "lines": r"[\r\n]", "digits": r"\d{1,3}", "spaces": r" {2,}", "words": r"\w+",
    "lazy": r"a+?b|\w{2,4}", "numbers": r"\p{N}", "dot": r".\n|<[^>]*>", "not": r"[^\w\s]+|\W\d",
    "hex": r"\x41\x{3042}?|[\u0061-\u0063\x{4e00}-\x{9fa5}]+|\P{L}\p{^N}",
    "look": r"\p{Lu}(?=\p{Ll})|a(?!b)|\D(?=[0-9])",
}
BEHAVIORS = ["Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"]


@functools.cache
def characters(size, spaced):
    """Vocabulary and merges over characters, ▁ for spaces if not `spaced`; bytes first."""
    lines = tokenizer_texts.corpus(5, 2500, multilingual=3)
    if not spaced:
        lines = ["▁" + line.replace(" ", "▁") for line in lines]
    space = " " if spaced else "▁"
    pre = pre_tokenizers.Split(space, "merged_with_next")
    vocab, merges = train_characters(lines, size, pre)
    first = ["<unk>", "<s>", "</s>", *[f"<0x{byte:02X}>" for byte in range(256)]]
    tokens = first + [token for token in sorted(vocab, key=vocab.get)]
    return {token: index for index, token in enumerate(tokens)}, merges


def train_characters(lines, size, pre_tokenizer):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    # Fewer letters than the texts have, so that byte fallback has something to do. They are chosen
    # here: among equally frequent ones the trainer takes others each time.
    counts = collections.Counter("".join(lines))
    letters = sorted(counts, key=lambda letter: (-counts[letter], letter))[:min(220, size // 2)]
    trainer = trainers.BpeTrainer(vocab_size=size, limit_alphabet=len(letters), show_progress=False,
                                  initial_alphabet=letters)
    tokenizer.train_from_iterator(lines, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    # 0.19.1 writes merges as strings, which cannot be told apart if there are spaces in their parts.
    return model["vocab"], [m if isinstance(m, list) else m.split(" ") for m in model["merges"]
                            if isinstance(m, list) or m.count(" ") == 1]


@functools.cache
def bytes_model(size):
    lines = tokenizer_texts.corpus(6, 2500, multilingual=3)
    vocab, merges = train(lines, size, regex_pre_tokenizer(LLAMA3))
    return vocab, merges


def with_characters(rng, spaced=False, **parts):
    vocab, merges = characters(parts.pop("size", None) or rng.choice([700, 1200]), spaced)
    model = {"unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, **parts.pop("model", {})}
    entries = parts.pop("added_tokens", None) or [
        added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")]
    return whole(vocab, merges, model=model, added_tokens=entries, **parts)


def with_bytes(rng, **parts):
    vocab, merges = bytes_model(parts.pop("size", None) or rng.choice([500, 900]))
    end = added(len(vocab), "<|end|>")
    return whole(vocab, merges, added_tokens=[end], decoder=byte_level(), **parts)


def sequence(kind, field, steps):
    return {"type": "Sequence", field: steps} if kind else steps[0] if steps else None


def replace(pattern, content, regex=False):
    return {"type": "Replace", "pattern": {"Regex" if regex else "String": pattern}, "content": content}


def plain(name, **fields):
    return {"type": name, **fields}


def split(pattern, behavior="Isolated", invert=False, string=False):
    return plain("Split", pattern={"String" if string else "Regex": pattern}, behavior=behavior,
                 invert=invert)


LLAMA2_DECODER = plain("Sequence", decoders=[
    replace("▁", " "), plain("ByteFallback"), plain("Fuse"),
    plain("Strip", content=" ", start=1, stop=0)])


def llama2(rng, number):
    normalizer = plain("Sequence", normalizers=[plain("Prepend", prepend="▁"), replace(" ", "▁")])
    entries = [added(0, "<unk>", normalized=number % 2 == 0), added(1, "<s>", normalized=number % 2 == 0),
               added(2, "</s>", normalized=number % 3 == 0)]
    return with_characters(rng, normalizer=normalizer, added_tokens=entries, decoder=LLAMA2_DECODER,
                           post_processor=template("<s>", 1))


def metaspace(rng, number):
    """`legacy=False` first, then all its options."""
    options = {"replacement": "▁", "prepend_scheme": "first", "split": False}
    if number:
        scheme = rng.choice(["first", "always", "never"])
        options = {"replacement": "▁", "prepend_scheme": scheme, "split": rng.random() < 0.5}
        if number % 4 == 1:
            options = {"replacement": "▁", "add_prefix_space": True, "str_rep": "▁"}
        if number % 4 == 2:
            options = {"replacement": rng.choice("▁_é字"), "add_prefix_space": False,
                       "prepend_scheme": "never"}
    meta = plain("Metaspace", **options)
    decoder = LLAMA2_DECODER if rng.random() < 0.5 else meta
    steps = [meta]
    if number > 3:
        steps = rng.choice([[meta], [plain("WhitespaceSplit"), meta], [plain("Digits", individual_digits=True), meta],
                            [split(",", "MergedWithPrevious", string=True), meta]])
    # Of several characters made one, the library loses the begin: refused with prepend_scheme first.
    quotes = replace("''" if options.get("prepend_scheme") != "first" else "'", '"')
    normalizer = rng.choice([None, None, plain("NFC"), plain("NFKC"), quotes]) if number else None
    return with_characters(
        rng, normalizer=normalizer, pre_tokenizer=sequence(len(steps) > 1, "pretokenizers", steps),
        decoder=decoder, post_processor=rng.choice([None, template("<s>", 1)]))


def gemma(rng, number):
    decoder = plain("Sequence", decoders=[replace("▁", " "), plain("ByteFallback"), plain("Fuse")])
    return with_characters(
        rng, normalizer=replace(" ", "▁"),
        pre_tokenizer=split(" " if number % 2 else "▁", "MergedWithPrevious", string=True),
        decoder=decoder, post_processor=template("<s>", 1))


def normalized(rng, number):
    """Any normalizers in any order."""
    kinds = [plain("NFC"), plain("NFD"), plain("NFKC"), plain("NFKD"), plain("Lowercase"),
             plain("StripAccents"), plain("Strip", strip_left=True, strip_right=rng.random() < 0.5),
             plain("Strip", strip_left=False, strip_right=True), plain("Prepend", prepend=rng.choice(["▁", " ", "xy"])),
             replace(" ", "▁"), replace(rng.choice(["a", "aa", "é", "''", "ab"]), rng.choice(["", "b", "aa", "▁"])),
             replace(r" {2,}", "▁", True), replace(r"\s+", rng.choice(["", " "]), True), replace(r"\p{M}+", "", True),
             replace(r"[A-Z]", "#", True)]
    if number < 6:
        steps = [[plain("NFC")], [plain("NFKC"), plain("Lowercase")], [plain("NFD"), plain("StripAccents")],
                 [plain("NFKD"), plain("Lowercase"), plain("StripAccents")], [plain("NFD")], [plain("Lowercase")]][number]
    else:
        steps = [rng.choice(kinds) for _ in range(rng.randrange(1, 5))]
    normalizer = sequence(len(steps) > 1 or rng.random() < 0.2, "normalizers", steps)
    if rng.random() < 0.3:
        return with_bytes(rng, normalizer=normalizer, pre_tokenizer=rng.choice([
            regex_steps("llama3"), byte_level(prefix=True)]))
    document = with_characters(
        rng, spaced=rng.random() < 0.5, normalizer=normalizer, decoder=LLAMA2_DECODER,
        pre_tokenizer=rng.choice([None, plain("WhitespaceSplit"), plain("Whitespace"), plain("Punctuation")]),
        model={"unk_token": rng.choice([None, "<unk>"]), "fuse_unk": rng.random() < 0.5,
               "byte_fallback": rng.random() < 0.6})
    first = len(document["model"]["vocab"])
    document["added_tokens"] = [
        added(0, "<unk>"), added(1, "<s>", normalized=True), added(2, "</s>", rstrip=True),
        added(first, "Größe", False, normalized=True),
        added(first + 1, "É!", False, normalized=True, single_word=True),
        added(first + 2, " x ", False, normalized=True)]
    return document


def regex_steps(*names):
    return plain("Sequence", pretokenizers=[*[split(PATTERNS[name]) for name in names],
                                            byte_level(regex=False)])


def patterns(rng, number):
    """Published patterns alone and one after the other, before ByteLevel."""
    published = [["o200k"], ["tekken"], ["digits", "cjk", "deepseek"], ["bloom"],
                 ["lines", "deepseek-coder", "marks", "end", "numbers"], ["falcon"]]
    if number < len(published):
        return with_bytes(rng, pre_tokenizer=regex_steps(*published[number]))
    return with_bytes(rng, pre_tokenizer=regex_steps(*rng.sample(list(PATTERNS), rng.randrange(1, 3))))


def splits(rng, number):
    """All behaviors, inverted and not, with strings and patterns, and the plain pre-tokenizers."""
    steps = []
    for _ in range(rng.randrange(1, 4)):
        kind = rng.randrange(9)
        behavior = BEHAVIORS[(number + len(steps)) % 5]
        if kind < 4:
            steps.append(split(PATTERNS[rng.choice(list(PATTERNS))], behavior, rng.random() < 0.4))
        elif kind < 6:
            steps.append(split(rng.choice([" ", ".", "a", "aa", "é", "<", "-", "字", "  ", "\n"]), behavior,
                               rng.random() < 0.4, string=True))
        else:
            steps.append(rng.choice([
                plain("Digits", individual_digits=rng.random() < 0.5), plain("Punctuation", behavior=behavior),
                plain("Punctuation"), plain("Whitespace"), plain("WhitespaceSplit")]))
    if rng.random() < 0.5:
        return with_bytes(rng, pre_tokenizer=plain("Sequence", pretokenizers=[
            *steps, byte_level(prefix=rng.random() < 0.3, regex=rng.random() < 0.3)]))
    return with_characters(rng, spaced=True, pre_tokenizer=sequence(True, "pretokenizers", steps),
                           decoder=rng.choice([None, LLAMA2_DECODER]))


def decoders(rng, number):
    """Any decoder steps in any order; encoding as Llama 2."""
    # A Strip with stop fails in the library where a token is shorter, so there is none.
    kinds = [replace("▁", " "), replace("a", ""), replace(r"[a-c]+", "<0x41>", True), replace("<", "<0xE2>"),
             plain("ByteFallback"), plain("Fuse"), plain("Strip", content=" ", start=1, stop=0),
             plain("Strip", content="▁", start=rng.randrange(4), stop=0), plain("Strip", content="t", start=2, stop=0),
             plain("Metaspace", replacement="▁", prepend_scheme="always"), byte_level(),
             plain("Metaspace", replacement="▁", prepend_scheme="never")]
    steps = [rng.choice(kinds) for _ in range(rng.randrange(1, 6))]
    document = llama2(rng, number)
    return {**document, "decoder": sequence(len(steps) > 1, "decoders", steps)}


ATOMS = ["a", "b", "é", " ", r"\n", "[a-c]", r"[^a\s]", r"\p{L}", r"\s", r"\S", r"\w", r"\W", r"\d", ".",
         r"\p{Lu}", r"[\w\-.]", r"[^\p{N}[ab]]", r"(?i:k)", "字", r"\.", r"[\s\d]"]
FRAGMENTS = ["a", "b", "ab", "ba", "aab", "abab", " ", "\n", "é", "1", "a b", "\na", "K", "²", ".", "Aa"]


def expression(rng, depth):
    """A random pattern, and whether it can match nothing."""
    kind = rng.randrange(8) if depth else 0
    if kind < 3:
        return rng.choice(ATOMS), False
    if kind == 3:
        parts = [expression(rng, depth - 1) for _ in range(rng.randrange(2, 4))]
        opening = rng.choice(["(", "(?:"])
        return opening + "|".join(p for p, _ in parts) + ")", any(empty for _, empty in parts)
    if kind < 6:
        part, can_be_empty = expression(rng, depth - 1)
        if can_be_empty:
            return part, True
        quantifier = rng.choice(["?", "*", "+", "??", "*?", "+?", "{2}", "{1,2}", "{2,}", "{0,3}"])
        return f"(?:{part}){quantifier}", quantifier[0] in "?*" or quantifier == "{0,3}"
    parts = [expression(rng, depth - 1) for _ in range(rng.randrange(2, 4))]
    if rng.random() < 0.25:
        parts.append((rng.choice(["$", f"(?={rng.choice(ATOMS)})", f"(?!{rng.choice(ATOMS)})"]), True))
    return "".join(p if "|" not in p else f"(?:{p})" for p, _ in parts), all(e for _, e in parts)


def regexes(rng, number):
    """Random patterns; a space before every piece shows where they cut."""
    while True:
        pattern, can_be_empty = expression(rng, rng.randrange(1, 6))
        if not can_be_empty:
            return with_bytes(rng, pre_tokenizer=plain("Sequence", pretokenizers=[
                split(pattern, rng.choice(BEHAVIORS)), byte_level(prefix=True, regex=False)]))


# name: (maker, number of documents to make at large)
FAMILIES = {"llama2": (llama2, 6), "metaspace": (metaspace, 24), "gemma": (gemma, 4),
            "normalized": (normalized, 40), "patterns": (patterns, 30), "splits": (splits, 60),
            "decoders": (decoders, 40), "regexes": (regexes, 400)}
