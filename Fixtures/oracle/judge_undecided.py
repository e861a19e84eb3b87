"""Judges what `math-proof --output FILE` writes: every result by mpmath at growing precision.

pip install -r requirements-math.txt && python judge_undecided.py FILE
Exit status 1 if any result is misrounded.
"""

import collections
import json
import sys
from pathlib import Path

import math_truth


def main(path):
    report = json.loads(Path(path).read_text())
    counts, wrong = collections.Counter(), []
    for part in ["undecided", "misrounded", "hardest", "samples"]:
        for entry in report[part]:
            x = math_truth.value(int(entry["x"], 16))
            y = math_truth.value(int(entry["y"], 16)) if "y" in entry else None
            expected, found = math_truth.truth(entry["function"], x, y), int(entry["result"], 16)
            both_nan = expected == math_truth.NAN and found & 0x7FFFFFFF > math_truth.INFINITY
            counts[part, entry["function"]] += 1
            if expected != found and not both_nan:
                wrong.append((part, entry, f"{expected:08x}"))
    for (part, function), count in counts.items():
        print(f"{part:11} {function:4} {count:8} judged")
    for part, entry, expected in wrong[:20]:
        print(f"misrounded ({part}): {entry}, nearest: {expected}")
    print(f"{len(wrong)} misrounded")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
