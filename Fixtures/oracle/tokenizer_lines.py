"""Writes the lines of cases of the tokenizer oracles. Imported, not run."""

import json


def jsonl(path, cases):
    path.write_text("".join(
        json.dumps(case, ensure_ascii=False, separators=(",", ":")) + "\n" for case in cases))
