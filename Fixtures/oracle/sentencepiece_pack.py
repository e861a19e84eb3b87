"""SentencePiece models to compare with: trained small ones, and drawn ones that no trainer would make.

Imported by make_sentencepiece.py and compare_sentencepiece.py, not run.
"""

import io
import tempfile

import sentencepiece
import tokenizer_texts
from sentencepiece import sentencepiece_model_pb2 as protobuf

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)

#: Options of the trainer by the name of the golden case. Llama 2's are the first's.
TRAINED = {
    "llama2": dict(byte_fallback=True, normalization_rule_name="identity",
                   remove_extra_whitespaces=False, split_digits=True,
                   allow_whitespace_only_pieces=True),
    "plain": dict(),
    "symbols": dict(byte_fallback=True, normalization_rule_name="identity",
                    remove_extra_whitespaces=False, control_symbols=["<pad>", "[c]"],
                    user_defined_symbols=["<sep>", "<se", "the", "▁of▁", "\n", "  ", "é"]),
    "no-prefix": dict(add_dummy_prefix=False, normalization_rule_name="nfkc_cf",
                      unk_surface=" <?> "),
    "suffix": dict(treat_whitespace_as_suffix=True, normalization_rule_name="nfkc",
                   user_defined_symbols=["<sep>", " x", "x "]),
    "across": dict(split_by_whitespace=False, split_by_unicode_script=False, split_by_number=False,
                   normalization_rule_name="identity", max_sentencepiece_length=24),
    "raw-spaces": dict(escape_whitespaces=False, normalization_rule_name="identity",
                       remove_extra_whitespaces=True, byte_fallback=True),
}

#: A few rules of every kind, where the library's own maps would be too large for a fixture: to one
#: character, several, spaces, nothing; beginnings of each other.
RULES = [("A", "a"), ("B", "b"), ("T", "t"), ("ﬁ", "fi"), ("Ａ", "A"), ("１", "1"), ("²", "2"),
         ("\u0085", " "), ("\u00a0", " "), ("\u3000", " "), ("\t", " "), ("\n", " "), ("\r\n", " "),
         ("\u200b", ""), ("\ufeff", ""), ("e\u0301", "é"), ("…", "..."), ("½", " 1/2 "), ("가", "각")]


def rules_file():
    """RULES as the trainer reads them: code points in hexadecimal."""
    file = tempfile.NamedTemporaryFile("w", suffix=".tsv")
    for pair in RULES:
        file.write("\t".join(" ".join(f"{ord(c):X}" for c in text) for text in pair) + "\n")
    file.flush()
    return file


def train(seed, vocabulary_size, small_map=False, **options):
    """The bytes of a model trained on the corpus of the tokenizer oracles."""
    escape = options.pop("escape_whitespaces", True)
    written = io.BytesIO()
    rules = rules_file()
    if small_map and options.pop("normalization_rule_name", "") != "identity":
        options["normalization_rule_tsv"] = rules.name
    elif small_map:
        options["normalization_rule_name"] = "identity"
    lines = [line.replace("\n", " ") for line in tokenizer_texts.corpus(seed, 3000, 20)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=written, model_type="bpe",
        vocab_size=vocabulary_size, hard_vocab_limit=False, minloglevel=2, num_threads=1,
        **{"character_coverage": 0.98, **options})
    model = protobuf.ModelProto.FromString(written.getvalue())
    # What names the machine or its time is of no use to anybody.
    for field in ("input", "model_prefix"):
        model.trainer_spec.ClearField(field)
    model.normalizer_spec.ClearField("normalization_rule_tsv")
    if not escape:
        model.normalizer_spec.escape_whitespaces = False
        for piece in model.pieces:
            piece.piece = piece.piece.replace("▁", " ")
    return model.SerializeToString()


ALPHABET = ["a", "b", "c", "▁", "é", "字", " ", "😀", "1", "<"]


def drawn(rng, charsmaps):
    """The bytes of a model with random pieces, scores of which many are equal, and flags."""
    model = protobuf.ModelProto()
    model.trainer_spec.model_type = 2
    texts = set()

    def add(text, score, kind):
        if text in texts:
            return
        texts.add(text)
        model.pieces.add(piece=text, score=score, type=kind)

    add("<unk>", 0, UNKNOWN)
    add("<s>", 0, CONTROL)
    add("</s>", 0, CONTROL)
    has_unused, has_symbols = rng.random() < 0.3, rng.random() < 0.5
    if rng.random() < 0.3:
        add(rng.choice(ALPHABET), 0, CONTROL)
    alphabet = rng.sample(ALPHABET, rng.randrange(3, len(ALPHABET)))
    for character in alphabet:
        if rng.random() < 0.8:
            add(character, -rng.randrange(40), NORMAL)
    for _ in range(rng.randrange(10, 120)):
        text = "".join(rng.choice(alphabet) for _ in range(rng.choice([2, 2, 2, 3, 3, 4, 6, 9])))
        kind = NORMAL
        if has_unused and rng.random() < 0.2:
            kind = UNUSED
        elif has_symbols and rng.random() < 0.05:
            kind = USER_DEFINED
        add(text, rng.choice([-rng.randrange(8), -rng.random() * 20, 0.0, -0.0]), kind)
    if rng.random() < 0.5:
        model.trainer_spec.byte_fallback = True
        for byte in range(256):
            add(f"<0x{byte:02X}>", 0, BYTE)
    normalizer = model.normalizer_spec
    normalizer.add_dummy_prefix = rng.random() < 0.6
    normalizer.remove_extra_whitespaces = rng.random() < 0.5
    normalizer.escape_whitespaces = rng.random() < 0.8
    normalizer.precompiled_charsmap = rng.choice([b"", b"", *charsmaps])
    model.trainer_spec.treat_whitespace_as_suffix = rng.random() < 0.3
    if rng.random() < 0.3:
        model.trainer_spec.unk_surface = rng.choice(["", "?", " ▁? "])
    return model.SerializeToString()


def drawn_text(rng, model):
    """A text of the model's pieces and characters, which makes its merges compete."""
    pieces = [piece.piece for piece in model.pieces if piece.type in (NORMAL, USER_DEFINED, UNUSED)]
    parts = []
    for _ in range(rng.randrange(0, 12)):
        part = rng.choice(rng.choice([pieces, ALPHABET])) if pieces else rng.choice(ALPHABET)
        parts.append(part.replace("▁", rng.choice([" ", " ", "▁"])) * rng.choice([1, 1, 1, 2, 3]))
    return "".join(parts)
