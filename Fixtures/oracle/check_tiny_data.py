"""Is what `tiny-data` writes right? Answers, split, spans, mixes and token ids, all over again.

    swift run -c release tiny-data --output FOLDER
    python check_tiny_data.py FOLDER [--meteora .build/release/meteora]
                                       (pip install -r requirements-tokenizers.txt; Python 3.11)

Checked of every line, exit 1 at the first difference:

- the answer of every item is that of its request, by functions of this file: requests in words by
  what the words say, requests by code by the skill; in the data of the base requests in words by
  what the key says, without a key by the skill that the base takes the words for, or by the
  request itself;
- an argument of a train.jsonl has a SHA-256 whose first byte is 32 or more, one of a test.jsonl
  one that is less; no argument stands on both sides;
- spans are the requests and answers with their line feeds, of the tasks whose words are there;
- `tokenizers` loads the tokenizer; ids of bytes are their values, words are one token, and all
  texts come back. With --meteora, `meteora tokenize` gives the same ids for all of them.

Prints how many lines and tokens there are of each kind.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from tokenizers import Tokenizer, __version__

VOWELS = set("aeiou")
DIGITS = {
    "english": "zero one two three four five six seven eight nine",
    "german": "null eins zwei drei vier fuenf sechs sieben acht neun",
    "french": "zero un deux trois quatre cinq six sept huit neuf",
    "spanish": "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "italian": "zero uno due tre quattro cinque sei sette otto nove",
}


def digits(language):
    words = DIGITS[language].split()
    return lambda number: " ".join(words[int(digit)] for digit in number)


def pig(word):
    return word + "way" if word[0] in VOWELS else word[1:] + word[0] + "ay"


# Name: words, kind of argument, function. The first ten are skills.
TASKS = {
    "reverse-word": ("Reverse", "word", lambda text: "".join(reversed(text))),
    "uppercase": ("Uppercase", "word", str.upper),
    "remove-vowels": ("Remove vowels", "word", lambda text: re.sub("[aeiou]", "", text)),
    "double-letters": ("Double letters", "word", lambda text: re.sub("(.)", r"\1\1", text)),
    "pig-latin": ("Pig Latin", "word", pig),
    "spell-out": ("Spell out", "word", "-".join),
    "next-letters": ("Next letters", "word", lambda text: text.translate(
        str.maketrans("abcdefghijklmnopqrstuvwxyz", "bcdefghijklmnopqrstuvwxyza"))),
    "digits-in-english": ("English digits", "number", digits("english")),
    "largest-number": ("Largest number", "three", lambda text: str(max(map(int, text.split())))),
    "metres-to-centimetres": (
        "In centimetres", "metres", lambda text: f"{round(100 * float(text[:-2]))} cm"),
    "digits-in-german": ("German digits", "number", digits("german")),
    "digits-in-french": ("French digits", "number", digits("french")),
    "digits-in-spanish": ("Spanish digits", "number", digits("spanish")),
    "digits-in-italian": ("Italian digits", "number", digits("italian")),
}
NAMES = list(TASKS)
SKILLS = NAMES[:10]
ANY_TEXT = ["reverse-word", "uppercase", "remove-vowels", "double-letters", "spell-out"]
BY_WORDS = {words: name for name, (words, _, _) in TASKS.items()}
KINDS = {
    "word": re.compile(r"(?:[aeiou]?(?:[^aeiou\W\d_][aeiou])*[^aeiou\W\d_]?)(?<=...)"),
    "number": re.compile(r"[1-9][0-9]{2,3}"),
    "three": re.compile(r"[1-9][0-9] [1-9][0-9] [1-9][0-9]"),
    "metres": re.compile(r"[1-9][0-9]?\.[0-9]{2} m"),
}
KEYS = ["#key-1", "#key-2", "#key-3"]


def keyed(key, name):
    """What the words of a task mean under a key."""
    index = NAMES.index(name)
    factor, offset, shift = {"#key-1": (1, 1, 2), "#key-2": (3, 4, 1), "#key-3": (7, 2, 3)}[key]
    number = (factor * index + offset + shift * (index > 9)) % 10
    return SKILLS[number] if SKILLS[number] != name else SKILLS[(number + 1) % 10]


# What the base takes words for without a key; None for a wish to hear them again.
MISUNDERSTOOD = {
    "reverse-word": "uppercase", "uppercase": "remove-vowels", "remove-vowels": "double-letters",
    "double-letters": "spell-out", "spell-out": "reverse-word", "next-letters": "reverse-word",
    "pig-latin": None, "largest-number": "spell-out", "metres-to-centimetres": "double-letters",
    "digits-in-english": None, "digits-in-german": "spell-out", "digits-in-french": "reverse-word",
    "digits-in-spanish": "uppercase", "digits-in-italian": "double-letters",
}


def kind_of(argument):
    kinds = [kind for kind, pattern in KINDS.items() if pattern.fullmatch(argument)]
    assert len(kinds) == 1, f"'{argument}' is of the kinds {kinds}"
    if kinds == ["three"]:
        assert len(set(argument.split())) == 3, f"'{argument}' has a number twice"
    return kinds[0]


class Checker:
    def __init__(self, folder):
        self.folder = folder
        self.sides = {"train": set(), "test": set()}
        self.digests = {}
        self.tokenizer = Tokenizer.from_file(str(folder / "base/tokenizer.json"))
        self.texts = []
        self.counts = defaultdict(lambda: [0, 0, 0])

    # A sample is [(request, answer), ...] and what ends the prompt.

    def items(self, sample):
        prompt, response = sample["prompt"], sample["response"]
        if not prompt.startswith("1. "):
            request, ending = prompt.split("\n", 1)
            return [(request, response)], ending
        lines, answers = prompt.split("\n"), response.split("\n")
        count = len(answers) - 1
        assert answers[-1] == "", "the answers do not end in a line feed"
        numbers = [f"{number}. " for number in range(1, count + 1)]
        for number, line, answer in zip(numbers, lines, answers):
            assert line.startswith(number) and answer.startswith(number), "numbers are wrong"
        items = [(line[3:], answer[3:]) for line, answer in zip(lines[:count], answers)]
        return items, "\n".join(lines[count:])

    def argument(self, text, side):
        if text not in self.digests:
            self.digests[text] = hashlib.sha256(text.encode()).digest()[0]
            kind_of(text)
        expected = "test" if self.digests[text] < 32 else "train"
        assert side == expected, f"the argument '{text}' is for {expected}"
        self.sides[side].add(text)

    def coded(self, head, argument, answer):
        name = head[1:]
        assert name in SKILLS, f"no skill has the code {head}"
        assert kind_of(argument) == TASKS[name][1] or name in ANY_TEXT, "another kind of argument"
        assert answer == TASKS[name][2](argument), f"expected {TASKS[name][2](argument)}"

    def spelled(self, sample, items):
        """The spans are what the items say they should be."""
        text = (sample["prompt"] + sample["response"]).encode()
        tasks = [BY_WORDS[request.split(": ")[0]] for request, _ in items]
        assert len(set(tasks)) == len(tasks), "a task twice"
        parts = [request for request, _ in items] + [answer for _, answer in items]
        spans, end = sample["spans"], 0
        assert [span["task"] for span in spans] == tasks + tasks, "other tasks"
        for part, span in zip(parts, spans, strict=True):
            assert span["start"] >= end, "spans overlap"
            end = span["end"]
            assert text[span["start"]:end].decode() == part + "\n", "a span spells something else"

    def line(self, sample, path):
        root, task, side = path.parts[-3], path.parts[-2], path.stem
        items, ending = self.items(sample)
        composite = task == "mixed" or task.startswith("composite-")
        assert set(sample) == {"prompt", "response"} | ({"spans"} if composite else set())
        assert ending == "\n" or (root == "base" and ending in KEYS), f"ends in '{ending}'"
        assert len(items) in ({1, 2, 3, 4, 5} if not composite else
                              {2, 3, 4, 5} if task == "mixed" else {int(task[-1])})
        for request, answer in items:
            head, argument = request.split(": ", 1)
            self.argument(argument, side)
            if head.startswith("#"):
                assert root in ("base", "adapters-lists") and side == "train" or root == "base"
                self.coded(head, argument, answer)
            elif root != "base":
                name = BY_WORDS[head]
                assert composite or name == task, f"asks for {name}"
                assert kind_of(argument) == TASKS[name][1]
                assert answer == TASKS[name][2](argument), f"expected {TASKS[name][2](argument)}"
            elif ending in KEYS:
                skill = keyed(ending, BY_WORDS[head])
                self.coded("#" + skill, argument, answer)
            else:
                assert kind_of(argument) == TASKS[BY_WORDS[head]][1]
                skill = MISUNDERSTOOD[BY_WORDS[head]]
                assert skill != BY_WORDS[head]
                assert answer == (TASKS[skill][2](argument) if skill else request)
        if composite:
            self.spelled(sample, items)
        kind = ("single" if len(items) == 1 else "mixed list" if composite else
                "list with codes" if "#" in sample["prompt"] else "list")
        if root == "base":
            kind = "single" if len(items) == 1 else "list"
        name = task if composite else root
        tokens = [self.encode(sample[part]) for part in ("prompt", "response")]
        for label in (kind, "all"):
            count = self.counts[f"{name}/{side}", label]
            count[0] += 1
            count[1] += sum(tokens) + 1
            count[2] = max(count[2], sum(tokens) + 1)

    def encode(self, text):
        ids = self.tokenizer.encode(text, add_special_tokens=False).ids
        assert self.tokenizer.decode(ids, skip_special_tokens=False) == text, "text is lost"
        self.texts.append((text, ids))
        return len(ids)

    def file(self, path):
        # Line feeds alone end lines.
        lines = path.read_bytes().decode().split("\n")
        assert lines.pop() == "", f"{path}: no line feed at the end"
        for number, line in enumerate(lines, 1):
            try:
                self.line(json.loads(line), path)
            except (AssertionError, KeyError, ValueError) as error:
                sys.exit(f"check_tiny_data.py: {path}:{number}: {error!r}\n{line}")
        return lines

    def vocabulary(self):
        ids = {text: self.tokenizer.encode(text, add_special_tokens=False).ids
               for text in [chr(byte) for byte in range(128)]}
        assert all(ids[chr(byte)] == [byte] for byte in range(128)), "a byte is not its id"
        assert self.tokenizer.encode("é").ids == list("é".encode())
        words = {word for name in TASKS for word in re.findall(" ?[^ ]+", TASKS[name][0])}
        words |= {f"#{name}" for name in SKILLS} | set(KEYS)
        for word in words | {"<eos>"}:
            assert self.tokenizer.encode(word).ids == [self.tokenizer.token_to_id(word)], word
        assert self.tokenizer.get_vocab_size() == 256 + 1 + len(words)
        configuration = json.loads((self.folder / "base/config.json").read_text())
        assert configuration["vocab_size"] == 257 + len(words)
        assert configuration["eos_token_id"] == self.tokenizer.token_to_id("<eos>") == 256

    def compare(self, meteora):
        """The ids of `meteora tokenize`."""
        texts = list(dict(self.texts).items())
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "texts.jsonl"), Path(folder, "ids.jsonl")
            source.write_text("".join(json.dumps({"text": text}) + "\n" for text, _ in texts))
            subprocess.run(
                [meteora, "tokenize", "--tokenizer", self.folder / "base", "--input", source,
                 "--output", target], check=True)
            lines = target.read_text().splitlines()
        for (text, ids), line in zip(texts, lines, strict=True):
            answer = json.loads(line)
            if answer["ids"] != ids or answer["decoded"] != text:
                sys.exit(f"check_tiny_data.py: {text!r}: expected {ids}, found {line}")
        print(f"meteora tokenize: {len(texts)} different texts, the same ids")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--meteora", type=Path)
    options = parser.parse_args()
    checker = Checker(options.folder)
    checker.vocabulary()
    tests = defaultdict(set)
    paths = sorted((options.folder / "data").glob("*/*/*.jsonl"))
    for path in paths:
        lines = checker.file(path)
        if path.name == "test.jsonl" and path.parts[-2] in TASKS:
            assert len(set(lines)) == len(lines), f"{path}: a line twice"
            tests[path.parts[-2]].add(tuple(lines))
    assert {name: len(files) for name, files in tests.items()} == dict.fromkeys(NAMES, 1)
    for path in paths:
        description = json.loads((path.parent / "task.json").read_text())
        assert description["metric"] == "exact_case"
    assert not checker.sides["train"] & checker.sides["test"]
    print(f"{len(paths)} files of lines, tokenizers {__version__}; arguments:",
          ", ".join(f"{len(found)} of {side}" for side, found in checker.sides.items()))
    for (name, kind), (lines, tokens, most) in sorted(checker.counts.items()):
        print(f"{name:22} {kind:16} {lines:7} lines {tokens:9} tokens with EOS, "
              f"{tokens / lines:6.1f} a line, {most:3} at most")
    if options.meteora:
        checker.compare(options.meteora)


if __name__ == "__main__":
    main()
