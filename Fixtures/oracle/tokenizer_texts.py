"""Texts for the tokenizer oracles: a training corpus and strings to encode. Imported, not run.

Everything is made here from seeded choices; nothing is read from elsewhere.
"""

import random

NAMES = "Ada Bram Chen Dora Emil Fatima Goran Hana Igor Jun Kofi Lena Milo Nia Otto Priya".split()
THINGS = (
    "apple bridge candle door engine feather garden hammer island jacket kettle ladder mirror "
    "needle orange pencil quilt river stone table umbrella valley window yard adapter model token "
    "layer gate weight answer question number sentence letter word list colour city country"
).split()
VERBS = "carries finds opens paints sells moves counts sorts reads writes keeps drops".split()
QUALITIES = "small large old new bright dark quiet sharp round heavy green yellow blue red".split()
LANGUAGES = [
    "Der schnelle Fuchs springt über den faulen Hund, während die Größe der Straße wächst.",
    "Le garçon a mangé une pomme près de l'hôtel où l'été fut très chaud.",
    "El niño pequeño comió una manzana mañana por la mañana; ¿quién lo sabía?",
    "Türkçe İstanbul'da ılık bir gün; IĞDIR ve ığdır ayrı yazılır.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "Η γρήγορη αλεπού πηδά πάνω από τον τεμπέλη σκύλο. Ο ΟΔΟΣ και η οδός.",
    "今天天气很好，我们一起去公园散步吧。模型选择适配器。",
    "今日は天気がいいから、散歩しましょう。カタカナとひらがな、ﾊﾝｶｸも。",
    "오늘 날씨가 좋으니 산책을 갑시다. 모델은 어댑터를 선택한다.",
    "الطقس جميل اليوم، هيا نذهب في نزهة. النموذج يختار المحول ١٢٣٤٥.",
    "מזג האוויר יפה היום, בואו נצא לטיול. שָׁלוֹם עוֹלָם",
    "आज मौसम अच्छा है, चलो टहलने चलते हैं। मॉडल अनुकूलक चुनता है १२३४५।",
    "วันนี้อากาศดี ไปเดินเล่นกันเถอะ ๑๒๓๔",
    "আজ আবহাওয়া ভালো, চলো হাঁটতে যাই ১২৩৪।",
    "இன்று வானிலை நன்றாக உள்ளது ௧௨௩.",
    "Hôm nay trời đẹp, chúng ta đi dạo nhé. Tiếng Việt có dấu.",
    "👩‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 1️⃣ #️⃣ ❤️‍🔥 🏴󠁧󠁢󠁥󠁮󠁧󠁿 😀😃😄 🧑🏿‍🚀",
]
CODE = [
    "def add(a, b):\n    return a + b\n\n\nfor i in range(10):\n\tprint(i, add(i, 3))\n",
    "int main(void) {\r\n  printf(\"%d\\n\", 42);\r\n  return 0;\r\n}\r\n",
    "{\"name\": \"x\", \"values\": [1, 2.5, -3e10], \"ok\": true}\n",
    "SELECT id, name FROM users WHERE age >= 18 AND city <> 'Bern';\n",
    "https://example.org/a/b?c=d&e=%20f#g  user@example.com  C:\\Temp\\x.txt\n",
]


def sentence(rng):
    """One English sentence of a few patterns."""
    name, other = rng.choice(NAMES), rng.choice(NAMES)
    thing, second = rng.choice(THINGS), rng.choice(THINGS)
    a, b = rng.randrange(1000), rng.randrange(1000)
    return rng.choice([
        f"{name} {rng.choice(VERBS)} the {rng.choice(QUALITIES)} {thing}.",
        f"{name}'s {thing} isn't {rng.choice(QUALITIES)}, and {other} doesn't know it.",
        f"Question: What is {a} plus {b}? Answer: {a + b}",
        f"Sort the words: {second} {thing} -> {min(thing, second)} {max(thing, second)}",
        f"I'm sure they've said we'll see {a} {thing}s; you'd think it's {b}.",
        f"\"{thing.upper()}!\" shouted {name}... (the {second} was {rng.choice(QUALITIES)})",
        f"Translate the sentence: the {thing} is in the {second}.",
        f"The sentiment of \"{name} likes the {rng.choice(QUALITIES)} {thing}\" is positive.",
    ])


def corpus(seed, lines, multilingual):
    """Lines to train on; every `multilingual`-th is not English."""
    rng = random.Random(seed)
    made = []
    for index in range(lines):
        if multilingual and index % multilingual == 0:
            made.append(rng.choice(LANGUAGES))
        elif index % 41 == 0:
            made.append(rng.choice(CODE))
        else:
            made.append(sentence(rng) + rng.choice(["", "", "\n", "\n\n", "  "]))
    return made


WHITE = [0x9, 0xA, 0xB, 0xC, 0xD, 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029,
         0x202F, 0x205F, 0x3000]
ALMOST_WHITE = [0x1C, 0x1D, 0x1E, 0x1F, 0x180E, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x0]
# Of each class: letters, marks, numbers (Nd, Nl, No), punctuation, symbols, private, unassigned.
MIXED = [0x61, 0x5A, 0xDF, 0xE9, 0x130, 0x131, 0x17F, 0x212A, 0x1C5, 0x2B0, 0x3B1, 0x416, 0x5D0,
         0x627, 0x915, 0xE01, 0x4E00, 0x3042, 0x30A2, 0xAC00, 0x10400, 0x1D400, 0x20000, 0x300,
         0x301, 0x903, 0x93F, 0x20DD, 0xFE0F, 0x1D165, 0x30, 0x39, 0x660, 0x966, 0xFF11, 0x2160,
         0x2180, 0x3007, 0xB2, 0xBD, 0x2460, 0x10107, 0x1D7CE, 0x21, 0x27, 0x2019, 0x2D, 0x5F,
         0x203F, 0xAB, 0x3002, 0x24, 0x2B, 0x5E, 0xA9, 0x2211, 0x1F600, 0x1F1E6, 0x1F3FD, 0xE0067,
         0xE000, 0xF0000, 0x378, 0xFFFE, 0xFFFF, 0x10FFFF, 0x7F, 0x80, 0xAD, 0xD7FF, 0xFFFD]
# Letters and digits that came after Unicode 14: 0.19.1 does not know them.
AFTER_UNICODE_14 = [0x1C89, 0xA7CB, 0x10D40, 0x105C0, 0x11F50, 0x16130, 0x1E4F0, 0x31350, 0x2EBF0]
CONTRACTIONS = ["'s", "'S", "'\u017f", "'t", "'T", "'re", "'RE", "'rE", "'ve", "'m", "'ll", "'lL",
                "'d", "'D", "\u2019s", "'x", "''s", "'", "'r", "'v", "'l", "'e"]
HAND_PICKED = [
    "", " ", "  ", "   ", "\n", "\r\n", "\r", "\n\n\n", " \n", "\n ", " \n \n ", "\t\t", "\t \t",
    "a", " a", "  a", "a ", "a  ", "a\n", "a \n", "a\n b", "a \n  b", "a\r\n\r\n  b", "a\u3000b",
    "a\u3000\u3000b", "\u3000", "\u00a0a", "\u00a0 a", " \u00a0a", "\u2028a", "a\u2029\u2029",
    "1", "12", "123", "1234", "1234567", "1 2 3", "3.14", "1,000,000", "a1b2", "١٢٣٤٥", "ⅫⅬ²³½",
    "١٢3४५६", "it's", "IT'S", "It\u2019s", "it'\u017f", "'sabc", "'s's", "don't've'd", "'", "''", "'\n",
    "!", "!!", "!!a", "!a", "! a", "!\n", "!\n\n", "!\r\n \n", "...\n", " ...\n a", "-- a", "_a_",
    "é", "e\u0301", "\u0301", "\u0301a", "a\u0301b", " \u0301", "\u0915\u094d\u0937", "क\u094d", "\ufeffa", "\u200ba",
    "a\u0000b", "\u0000", "\u001c\u001d", "\u0085", "a\u0085b", "\u180e", "\u2060", "\u00ad",
    "\U0010ffff", "\ufffe", "\ud7ff\ue000", "👩‍👩‍👧‍👦", "🇩🇪", "❤️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👍🏽👍",
    "ﬀ ﬁ ﬆ ß ẞ ŉ", "İIıi", "ǅ", "K\u212a", "ΟΔΟΣ", "𐐀𐐨", "Ａｂ１", "ｶﾞ", "가각", "\u1100\u1161", "한글",
    "人工智能", "你好，世界！", "日本語、テスト。", "שלום", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดี", "Привет, мир!",
    "a" * 70, " " * 70, "\n" * 40, "ab" * 60, "0" * 50, "!" * 60, "é" * 40, "字" * 30, "a b " * 20,
    "aA  Bc", "aA     c", "a     Ac", "aA AAc A c", "aAAA A", "A A\tA", "cAc c", "bb \n Abb  B",
    "<", "<|", "<|end", "<|begin_of_text|", "<0x0A>", "\\n", "%20", "&amp;", "\u2581", "\u2581a b",
]


def _soup(rng, specials):
    """Scalars and fragments side by side that no language would put there."""
    parts = []
    for _ in range(rng.randrange(1, 14)):
        kind = rng.randrange(12)
        if kind < 2:
            parts.append(chr(rng.choice(WHITE)) * rng.choice([1, 1, 1, 2, 3]))
        elif kind == 2:
            parts.append(rng.choice([" ", " ", "\n", "\r\n", "\t"]) * rng.choice([1, 1, 2, 3, 5]))
        elif kind < 6:
            parts.append(chr(rng.choice(MIXED)) * rng.choice([1, 1, 1, 2, 4]))
        elif kind == 6:
            parts.append(rng.choice(CONTRACTIONS))
        elif kind == 7:
            parts.append(chr(rng.choice(ALMOST_WHITE)))
        elif kind == 8:
            parts.append(rng.choice(rng.choice(LANGUAGES).split()))
        elif kind == 9 and specials:
            parts.append(rng.choice(specials))
        elif kind == 10:
            parts.append(str(rng.randrange(10 ** rng.randrange(1, 8))))
        else:
            parts.append(rng.choice(THINGS))
    return "".join(parts)


def _any_scalars(rng):
    """Scalars from anywhere in Unicode, assigned or not."""
    made = []
    for _ in range(rng.randrange(1, 8)):
        scalar = rng.choice([rng.randrange(0x250), rng.randrange(0x3000), rng.randrange(0x10000),
                             rng.randrange(0x20000), rng.randrange(0x110000)])
        made.append(chr(0xFFFD if 0xD800 <= scalar < 0xE000 else scalar))
    return "".join(made)


def texts(seed, count, specials, hand_picked=True):
    """Strings to encode: the hand-picked ones, then seeded ones of every kind."""
    rng = random.Random(seed)
    made = list(HAND_PICKED) + list(LANGUAGES) + list(CODE) if hand_picked else []
    while len(made) < count:
        kind = rng.randrange(10)
        if kind < 2:
            text = sentence(rng)
        elif kind == 2:
            text = rng.choice(LANGUAGES)
            start = rng.randrange(len(text))
            text = text[start:start + rng.randrange(1, 30)]
        elif kind == 3:
            text = rng.choice(specials + [""]) + sentence(rng)[:20] + rng.choice(specials + [" "])
        elif kind == 4:
            text = _any_scalars(rng)
        else:
            text = _soup(rng, specials)
        made.append(text)
    return made[:count]


def with_long(seed, texts):
    """The same texts, but every 41st is some of them joined, thousands of characters: a port may keep
    words that come again, or merge long words, in ways of their own."""
    rng = random.Random(seed)
    made = list(texts)
    for index in range(40, len(made), 41):
        joined = "".join(rng.choices(texts, k=rng.choice([30, 60, 120])))
        made[index] = rng.choice([joined, joined, joined.replace(" ", ""), joined[:700] * 3])
    return made
