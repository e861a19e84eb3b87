"""Scalars about which the tokenizers library and Unicode 16 disagree. Imported, not run.

The library's parts carry different versions of Unicode: its normalization forms lack scalars newer
than Unicode 11, Punctuation those newer than 8, and so on up to the classes of its patterns.
"""

import functools

import make_unicode_mappings
import unicodedata2
from tokenizers import Regex, normalizers, pre_tokenizers

FORMS = {form: getattr(normalizers, form)() for form in ("NFC", "NFD", "NFKC", "NFKD")}
LOWERCASE, ACCENTS = normalizers.Lowercase(), normalizers.StripAccents()
PUNCTUATION = pre_tokenizers.Punctuation("removed")
# \\w of Rust: a scalar of it makes one piece with a letter.
WORDS = pre_tokenizers.Whitespace()


@functools.cache
def split(category):
    return pre_tokenizers.Split(Regex(rf"\p{{{category}}}"), "removed")


@functools.cache
def differs(character):
    category = unicodedata2.category(character)
    is_word = len(WORDS.pre_tokenize_str("a" + character)) == 1 and not character.isspace()
    expects_word = category[0] in "LMN" and category != "No" or category == "Pc"
    is_doubtful = category in ("So", "Cf", "No")  # Alphabetic and Join_Control are not in there.
    return (
        any(form.normalize_str(character) != unicodedata2.normalize(name, character)
            for name, form in FORMS.items())
        or LOWERCASE.normalize_str(character) != make_unicode_mappings.lower(ord(character))
        or (ACCENTS.normalize_str(character) == "") != (category[0] == "M")
        or (PUNCTUATION.pre_tokenize_str(character) == [])
        != make_unicode_mappings.is_punctuation(character)
        or split(category).pre_tokenize_str(character) != []
        or not is_doubtful and is_word != expects_word)
