"""Writes the tables of Unicode classes: for tokenizers, and for the text of pages.

    python make_unicode_tables.py        (pip install -r requirements-unicode.txt; Python 3.11)

General categories come from unicodedata2, the properties White_Space, Alphabetic and Join_Control
from regex; both packages carry Unicode 16.0.0. The classes are those that the regular expressions
of the tokenizers library use: \\p{L} and \\p{N} of Oniguruma, \\s of both, \\w of Rust's regex crate
(Alphabetic, Mark, Decimal_Number, Connector_Punctuation, Join_Control), compared scalar by scalar
with tokenizers 0.21.4 by `--check` (pip install tokenizers==0.21.4 beside).

Those of pages are what no reader sees, and marks. Unseen are Default_Ignorable_Code_Point, controls,
line and paragraph separators, noncharacters (these from unicodedata2 and regex) and `BLANK`.
"""

import sys
from pathlib import Path

import regex
import unicodedata2

SOURCES = Path(__file__).resolve().parents[2] / "Sources"
LETTER, NUMBER, WHITE, WORD = 1, 2, 4, 8
UNSEEN, MARK, VARIATION_SELECTOR, JOINER = 1, 2, 4, 8
SURROGATES = range(0xD800, 0xE000)
# Without ink, though no property says so: the Braille pattern without dots, the marks of interlinear
# annotations, the placeholder of objects, the filler of Khitan, a note without a head. But for the
# filler, of which it had no font, Chromium drew no other scalar of these kinds without any ink.
BLANK = {0x2800, 0xFFF9, 0xFFFA, 0xFFFB, 0xFFFC, 0x16FE4, 0x1D159}


def classes():
    """The class bits of every code point; none for surrogates."""
    assert unicodedata2.unidata_version == "16.0.0"
    white = regex.compile(r"\p{White_Space}")
    word = regex.compile(r"\p{Alphabetic}|\p{Join_Control}")
    # A letter of Unicode 16 that 15 lacks: regex must know it too.
    assert word.match("\u1C89") and regex.match(r"\p{Lu}", "\u1C89")
    bits = []
    for scalar in range(0x110000):
        character, found = chr(scalar), 0
        category = unicodedata2.category(character)
        if category[0] == "L":
            found |= LETTER
        if category[0] == "N":
            found |= NUMBER
        if white.match(character):
            found |= WHITE
        if category[0] == "M" or category in ("Nd", "Pc") or word.match(character):
            found |= WORD
        bits.append(0 if scalar in SURROGATES else found)
    return bits


def page_classes():
    """The class bits of every code point on a page; none for surrogates."""
    unseen = regex.compile(r"\p{Default_Ignorable_Code_Point}|\p{Noncharacter_Code_Point}")
    selector = regex.compile(r"\p{Variation_Selector}")
    joiner = regex.compile(r"\p{Join_Control}")
    bits = []
    for scalar in range(0x110000):
        character, found = chr(scalar), 0
        category = unicodedata2.category(character)
        if unseen.match(character) or category in ("Cc", "Zl", "Zp") or scalar in BLANK:
            found |= UNSEEN
        if category[0] == "M":
            found |= MARK
        if selector.match(character):
            found |= VARIATION_SELECTOR
        if joiner.match(character):
            found |= JOINER
        bits.append(0 if scalar in SURROGATES else found)
    return bits


def check(bits):
    """Asks tokenizers for the class of every scalar."""
    from tokenizers import AddedToken, Regex, Tokenizer, __version__, models, pre_tokenizers
    splits = {bit: pre_tokenizers.Split(Regex(pattern), "removed")
              for bit, pattern in ((LETTER, r"\p{L}"), (NUMBER, r"\p{N}"), (WHITE, r"\s"))}
    tokenizer = Tokenizer(models.BPE({"a": 0}, []))
    tokenizer.add_tokens([AddedToken("TOKEN", single_word=True, normalized=False)])
    different = 0
    for scalar, expected in enumerate(bits):
        if scalar in SURROGATES:
            continue
        found = sum(bit for bit, split in splits.items() if not split.pre_tokenize_str(chr(scalar)))
        if tokenizer.token_to_id("TOKEN") not in tokenizer.encode(chr(scalar) + "TOKEN").ids:
            found |= WORD
        different += found != expected
    print(f"tokenizers {__version__}: {different} scalars differ")
    sys.exit(1 if different else 0)


def write(path, bits, comment):
    """Writes the runs of a table to a file that is named like its type."""
    runs = [(scalar, found) for scalar, found in enumerate(bits)
            if scalar == 0 or found != bits[scalar - 1]]
    words = [f"0x{scalar << 4 | found:X}" for scalar, found in runs]
    lines, line = [], "   "
    for word in words:
        if len(line) + len(word) + 2 > 100:
            lines.append(line)
            line = "   "
        line += f" {word},"
    lines.append(line)
    body = "\n".join(lines)
    (SOURCES / path).write_text(f"""\
// Made by Fixtures/oracle/make_unicode_tables.py from unicodedata2 16.0.0 and regex 2024.11.6.

/// {comment} as runs, Unicode 16.0.0: `first scalar << 4 | class bits`, ascending.
///
/// A run reaches to the one before the next; the last, to U+10FFFF. The bits are those of
/// ``{Path(path).stem.replace("ClassTable", "Classes")}``.
enum {Path(path).stem} {{
  // swift-format-ignore
  static let runs: [UInt32] = [
{body}
  ]
}}
""")
    print(path, len(runs), "runs,", len(lines), "lines")


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        check(classes())
    write("MeteoRATokenizers/UnicodeClassTable.swift", classes(), "The classes of all scalars")
    write("MeteoRAReports/Page/PageClassTable.swift", page_classes(),
          "The classes that pages ask for")
