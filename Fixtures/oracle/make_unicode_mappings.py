"""Writes Sources/MeteoRATokenizers/Unicode/UnicodeMappingTables.swift: what normalizers need.

    python make_unicode_mappings.py      (pip install -r requirements-unicode.txt; Python 3.11)
    python make_unicode_mappings.py --check      (pip install tokenizers==0.21.4 beside)
    python make_unicode_mappings.py --digests    (what UnicodeNormalizationTests expects)

General categories, decompositions, combining classes and compositions are those of unicodedata2,
which carries Unicode 16.0.0. Small letters are those of Python's own Unicode 14; a capital letter
that came later is the one whose name says SMALL where its own says CAPITAL. `--check` asks the
tokenizers library about every scalar, and prints how many differ: 0.21.4 and others lower by
Unicode 16, but normalize by an older version, which lacks scalars that came since.

Tables are rows of numbers, each in groups of five bits, low ones first, 32 added to all but the
last; a group is a character of `DIGITS`. Signed numbers n are written 2n, or −2n − 1.
"""

import sys
import unicodedata
from pathlib import Path

import unicodedata2

OUTPUT = (Path(__file__).resolve().parents[2] / "Sources" / "MeteoRATokenizers" / "Unicode" /
          "UnicodeMappingTables.swift")
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
CATEGORIES = ("Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf "
              "Cs Co").split()
SCALARS = [scalar for scalar in range(0x110000) if not 0xD800 <= scalar < 0xE000]
HANGUL = range(0xAC00, 0xD7A4)


def number(value):
    made = ""
    while value >= 32:
        made += DIGITS[32 | value & 31]
        value >>= 5
    return made + DIGITS[value]


def signed(value):
    return number(2 * value if value >= 0 else -2 * value - 1)


def categories():
    """Runs: length, index in CATEGORIES."""
    rows, start = "", 0
    names = [unicodedata2.category(chr(scalar)) for scalar in range(0x110000)]
    for scalar in range(1, 0x110001):
        if scalar == 0x110000 or names[scalar] != names[start]:
            rows += number(scalar - start) + number(CATEGORIES.index(names[start]))
            start = scalar
    return rows


def decompositions():
    """Scalars that decompose: gap, 4 · count + 2 if composed again by NFC + 1 if by compatibility;
    then the scalars, each as the difference from the one before in the table."""
    rows, last, before = "", 0, 0
    for scalar in SCALARS:
        fields = unicodedata2.decomposition(chr(scalar)).split()
        if not fields or scalar in HANGUL:
            continue
        isCompatibility = fields[0].startswith("<")
        parts = [int(field, 16) for field in fields if not field.startswith("<")]
        recomposes = not isCompatibility and unicodedata2.normalize("NFC", chr(scalar)) == chr(scalar)
        assert len(parts) == 2 or not recomposes
        rows += number(scalar - last) + number(4 * len(parts) + 2 * recomposes + isCompatibility)
        last = scalar
        for part in parts:
            rows += signed(part - before)
            before = part
    return rows


def combining_classes():
    """Runs of scalars with one class that is not 0: gap, length, class."""
    rows, end, scalar = "", 0, 0
    while scalar < 0x110000:
        found = unicodedata2.combining(chr(scalar))
        start = scalar
        scalar += 1
        if found:
            while unicodedata2.combining(chr(scalar)) == found:
                scalar += 1
            rows += number(start - end) + number(scalar - start) + number(found)
            end = scalar
    return rows


def lower(scalar):
    """The lower-case mapping of a scalar, as a string."""
    character = chr(scalar)
    if unicodedata.category(character) != "Cn" or unicodedata2.category(character) != "Lu":
        return character.lower()
    small = unicodedata2.name(character).replace("CAPITAL", "SMALL")
    try:
        return unicodedata2.lookup(small)
    except KeyError:
        return character


def lower_case():
    """Scalars whose small letter is another scalar: gap, difference. U+0130 is left out."""
    rows, last = "", 0
    for scalar in SCALARS:
        small = lower(scalar)
        if small != chr(scalar) and scalar != 0x130:
            assert len(small) == 1
            rows += number(scalar - last) + signed(ord(small) - scalar)
            last = scalar
    return rows


TABLES = {
    "categories": (categories, "Runs of one general category: length, its index in "
                   "``GeneralCategory``."),
    "decompositions": (decompositions, "Scalars that decompose: gap, then 4 · count, + 2 if NFC "
                       "composes it again,\n  /// + 1 if it is a compatibility decomposition; then the "
                       "parts as signed differences."),
    "combiningClasses": (combining_classes, "Runs of one combining class other than 0: gap, length, "
                         "class."),
    "lowerCase": (lower_case, "Scalars with another small letter: gap, signed difference. U+0130 is "
                  "left out."),
}


def write():
    assert unicodedata2.unidata_version == "16.0.0"
    made = []
    for name, (make, comment) in TABLES.items():
        rows = make()
        lines = "\n".join("    " + rows[start:start + 96] for start in range(0, len(rows), 96))
        made.append(f'  /// {comment}\n  static let {name}: StaticString = """\n{lines}\n    """\n')
        print(name, len(rows), "bytes")
    OUTPUT.write_text(
        "// Made by Fixtures/oracle/make_unicode_mappings.py from unicodedata2 16.0.0.\n\n"
        "/// Mappings of Unicode 16.0.0, as ``UnicodeTableReader`` reads them.\n"
        "enum UnicodeMappingTables {\n" + "\n".join(made) + "}\n")


def check():
    """Compares with the library; lists the scalars that differ and have been in Unicode long."""
    from tokenizers import __version__, normalizers, pre_tokenizers
    print("tokenizers", __version__)
    checks = {form: (getattr(normalizers, form)().normalize_str,
                     lambda c, form=form: unicodedata2.normalize(form, c))
              for form in ("NFC", "NFD", "NFKC", "NFKD")}
    checks["Lowercase"] = (normalizers.Lowercase().normalize_str, lambda c: lower(ord(c)))
    checks["StripAccents"] = (normalizers.StripAccents().normalize_str,
                              lambda c: "" if unicodedata2.category(c)[0] == "M" else c)
    punctuation = pre_tokenizers.Punctuation("removed").pre_tokenize_str
    checks["Punctuation"] = (lambda c: punctuation(c) == [], is_punctuation)
    for name, (theirs, ours) in checks.items():
        different = [scalar for scalar in SCALARS if theirs(chr(scalar)) != ours(chr(scalar))]
        print(f"{name}: {len(different)} scalars differ", [f"{s:04X}" for s in different[:5]])


def is_punctuation(character):
    """As the library has it: ASCII's, and general category P; U+166D was one until Unicode 12."""
    ascii_marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    return (unicodedata2.category(character)[0] == "P" or character in ascii_marks or
            character == "\u166D")


def digest(text):
    """FNV-1a of the UTF-8, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"0x{value:016X}"


# Letters, marks of many classes, Hangul, what decomposes: for texts of neighbours that interact.
POOL = [range(0x41, 0x5B), range(0x300, 0x370), range(0x1DC0, 0x1DE0), range(0x1100, 0x1200),
        range(0xAC00, 0xAC40), range(0x1E00, 0x1F00), range(0x0900, 0x0A00), range(0x0F40, 0x0FC0),
        range(0xFB00, 0xFB50), range(0x1D158, 0x1D170), range(0x2100, 0x2140), range(0x0B00, 0x0B80)]


def mixed(count):
    """A text by a linear congruential generator (Knuth's MMIX constants, seed 1, upper 31 bits)."""
    pool = [scalar for part in POOL for scalar in part]
    state, made = 1, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        made.append(chr(pool[(state >> 33) % len(pool)]))
    return "".join(made)


def digests():
    every = "\n".join(map(chr, SCALARS))
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        print(form, digest(unicodedata2.normalize(form, every)),
              digest(unicodedata2.normalize(form, mixed(100000))))
    print("lower", digest("\n".join(map(lower, SCALARS))))
    print("marks", sum(unicodedata2.category(chr(s))[0] == "M" for s in SCALARS),
          "punctuation", sum(is_punctuation(chr(s)) for s in SCALARS))
    for category in CATEGORIES:
        print(category, sum(unicodedata2.category(chr(s)) == category for s in SCALARS), end=" ")
    print()


if __name__ == "__main__":
    {"--check": check, "--digests": digests}.get("".join(sys.argv[1:]), write)()
