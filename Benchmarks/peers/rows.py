"""What the peers share: options, timing as the Swift side does it, and rows of JSON."""

import argparse
import ctypes
import json
import os
import statistics
import sys
import time

# Memory given back to the system after every call would have to be cleared again: without this,
# PyTorch's figures are unfairly bad. The allocator reads it when a process starts.
TUNABLES = "glibc.malloc.mmap_threshold=17179869184:glibc.malloc.trim_threshold=17179869184"


def options(description, add=lambda parser: None):
    """The options that `benchmarks --against` adds; sets the threads of libraries to come."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", action="append", default=[])
    add(parser)
    parsed = parser.parse_args()
    if os.environ.get("GLIBC_TUNABLES") != TUNABLES:
        os.environ["GLIBC_TUNABLES"] = TUNABLES
        os.execv(sys.executable, [sys.executable] + sys.argv)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(parsed.threads)
    return parsed


def includes(options, name):
    return not options.only or any(name.startswith(prefix) for prefix in options.only)


def wanted(options, group, counts):
    """The counts whose cases were asked for: a whole name chooses that case alone."""
    names = {f"{group}{count}" for count in counts}
    prefixes = [text for text in options.only if text not in names]
    return [count for count in counts if not options.only or f"{group}{count}" in options.only
            or any(f"{group}{count}".startswith(prefix) for prefix in prefixes)]


def timed(options, body):
    """Ascending seconds: a tenth of the budget to warm up, then the budget."""
    spent = 0
    while True:
        start = time.perf_counter()
        body()
        spent += time.perf_counter() - start
        if spent >= options.seconds / 10:
            break
    samples = []
    while len(samples) < options.repeats or (
            sum(samples) < options.seconds and len(samples) < 10_000):
        start = time.perf_counter()
        body()
        samples.append(time.perf_counter() - start)
    return sorted(samples)


def extra_megabytes(body):
    """What becomes resident while body runs, at the worst moment, in 10^6 bytes."""
    # What the allocator keeps would be used again, unseen.
    ctypes.CDLL(None).malloc_trim(0)
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        return None
    before = status("VmRSS")
    result = body()
    extra = max(0, status("VmHWM") - before) / 1e6
    del result
    return extra


def status(field):
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise LookupError(field)


def write(options, case, implementation, samples, **more):
    row = {"kind": "row", "case": case, "implementation": implementation,
           "threads": options.threads, "median_ms": statistics.median(samples) * 1e3,
           "spread_ms": (samples[len(samples) * 3 // 4] - samples[len(samples) // 4]) * 500,
           "samples": len(samples)}
    row.update({name: value for name, value in more.items() if value is not None})
    print(json.dumps(row), flush=True)


def write_versions(*versions, settings=None):
    line = {"kind": "peer", "versions": list(versions)}
    if settings:
        line["settings"] = settings
    print(json.dumps(line), flush=True)
