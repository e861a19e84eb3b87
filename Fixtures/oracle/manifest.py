"""Golden/manifest.json: one case per line, sorted by id. Standard library only; imported, not run."""

import json
import os
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def update(area, cases, flags):
    """Replaces every case of `area` (ids "area/…") by `cases` and merges the flags' meanings.

    Every case has a flag, the first names its tier; flags that no case has are dropped.
    """
    path = GOLDEN / "manifest.json"
    manifest = json.loads(path.read_text()) if path.exists() else {"flags": {}, "cases": []}
    others = [case for case in manifest["cases"] if not case["id"].startswith(area + "/")]
    assert all(case["id"].startswith(area + "/") for case in cases)
    everything = sorted(others + cases, key=lambda case: case["id"].encode())
    used = {flag for case in everything for flag in case["flags"]}
    meanings = {flag: each for flag, each in sorted({**manifest["flags"], **flags}.items())
                if flag in used}
    assert used == set(meanings), used - set(meanings)
    assert all(case["flags"] for case in cases), "a case without a flag"
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in everything)
    text = '{"version":1,\n"flags":%s,\n"cases":[\n%s\n]}\n' % (json.dumps(meanings, indent=1), lines)
    temporary = path.with_suffix(".json.new")
    temporary.write_text(text)
    os.replace(temporary, path)
