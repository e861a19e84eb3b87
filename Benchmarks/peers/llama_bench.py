"""Turns what llama.cpp's `llama-bench` measures into rows of `benchmarks model`.

    python llama_bench.py --binary PATH --gguf small/f32=FILE [--gguf ...]
                          [--release NAME] [--threads N] [--seconds S] [--repeats N] [--only PREFIX]

Build llama.cpp outside this repository, with native flags (`cmake -DGGML_NATIVE=ON`), and make the
files with make_gguf.py.
"""

import json
import statistics
import subprocess

import rows

DECODED = 64


def arguments(parser):
    parser.add_argument("--binary", required=True)
    parser.add_argument("--release", help="what the binary was built of, if it cannot know")
    parser.add_argument("--gguf", action="append", default=[], metavar="CASE=FILE")


def main():
    options = rows.options(__doc__.splitlines()[0], arguments)
    for index, pair in enumerate(options.gguf):
        name, file = pair.split("=", 1)
        group = f"model/{name}/plain/"
        prompts = [count for count in (128, 512)
                   if rows.includes(options, f"{group}prompt{count}")]
        decodes = rows.includes(options, f"{group}decode")
        if not prompts and not decodes:
            continue
        result = subprocess.run(
            [options.binary, "-m", file, "-p", ",".join(map(str, prompts)) or "0",
             "-n", str(DECODED if decodes else 0), "-t", str(options.threads),
             "-r", str(options.repeats), "-o", "json"],
            check=True, stdout=subprocess.PIPE)
        for test in json.loads(result.stdout):
            if index == 0:
                release = options.release or f"{test['build_number']} ({test['build_commit']})"
                rows.write_versions(f"llama.cpp {release}", settings=test.get("backends"))
                index = None
            row = "decode" if test["n_gen"] else f"prompt{test['n_prompt']}"
            # A sample of llama-bench decodes all its tokens; one of ours is a token.
            tokens = test["n_gen"] or 1
            samples = sorted(ns / 1e9 / tokens for ns in test["samples_ns"])
            rows.write(options, group + row, "llama.cpp", samples,
                       tokens_per_second=(test["n_prompt"] or 1) / statistics.median(samples))


main()
