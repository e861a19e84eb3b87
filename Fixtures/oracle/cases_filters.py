"""Golden cases: the steps that change logits before a token is drawn.

(pip install -r requirements-numpy.txt; imported by make_sampling.py, not run.)
"""

import numpy as np

import contract
import sampling

F32, INF = np.float32, np.float32(np.inf)
SIZES = [(3, 1), (4, 2), (4, 11), (2, 127), (2, 128), (2, 129), (1, 300), (1, 1000)]


def rows(function, *arrays):
    return np.stack([function(*row) for row in zip(*arrays)])


def normal(rng, count, width, scale=3):
    return (rng.standard_normal((count, width)) * scale).astype(F32)


def tied(rng, count, width):
    """Few values, so that ties are everywhere; both zeros, and now and then -inf."""
    values = np.array([0, -0.0, 1, -1, 2.5, 2.5, -4, -INF], F32)
    return values[rng.integers(0, len(values), (count, width))]


def add_penalties(cases):
    for (count, width), penalty in zip(SIZES, [2.0, 0.5, 1.1, 1.3, 0.7, 1.2, 1.05, 1.5]):
        name = f"repetition-penalty-v{width}"
        rng = cases.pack.rng(name)
        logits = normal(rng, count, width)
        logits.flat[::7] = 0
        logits.flat[3::11] = -0.0
        logits.flat[5::31] = -INF
        ids = rng.integers(0, width, (count, 12))  # some of them twice

        def wrong(rule):
            out = logits.copy()
            for row in range(count):
                for i in rule(ids[row]):
                    out[row, i] *= F32(penalty) if out[row, i] < 0 else 1 / F32(penalty)
            return out

        divided = rows(lambda l, i: np.where(np.isin(range(width), i), l / F32(penalty), l),
                       logits, ids)
        cases.add(
            name, "repetition_penalty", f"Penalty {penalty}, repeated ids, zeros, -inf.",
            {"logits": logits, "ids": ids},
            {"y": rows(lambda l, i: sampling.repetition_penalty(l, i, penalty), logits, ids)},
            {"repetition_penalty": penalty},
            tries={"once for every occurrence": wrong(list), "times 1 / penalty": wrong(set),
                   "negative logits divided": divided},
        )
    logits = np.array([[3e38, -3e38, 1e-45, -1e-45, INF, -INF, 0, -0.0]], F32)
    for penalty in [0.25, 4.0]:
        cases.add(
            f"repetition-penalty-limits-{penalty:g}", "repetition_penalty",
            "Overflow to infinities, subnormals and zeros; no NaN.",
            {"logits": logits, "ids": np.arange(8)[None]},
            {"y": sampling.repetition_penalty(logits[0], range(8), penalty)[None]},
            {"repetition_penalty": penalty}, ["special", "sampling"],
        )


def add_blocks(cases):
    for size in [0, 1, 2, 3, 5]:
        name = f"ngram-block-{size}"
        rng = cases.pack.rng(name)
        logits, ids = normal(rng, 6, 5), rng.integers(0, 5, (6, 20))
        if size == 5:
            ids[:, 10:] = ids[:, :10]
        cases.add(
            name, "ngram_block", f"n = {size}; -inf where an n-gram would stand there twice.",
            {"logits": logits, "ids": ids},
            {"y": rows(lambda l, i: sampling.ngram_block(l, i, size), logits, ids)},
            {"no_repeat_ngram_size": size},
        )


def add_temperatures(cases):
    for temperature in [0.1, 0.7, 1.0, 1.3, 15.0]:
        name = f"temperature-{temperature:g}"
        logits = normal(cases.pack.rng(name), 3, 50)
        wrong = {} if temperature == 1 else {"times 1 / T": logits * (F32(1) / F32(temperature))}
        cases.add(
            name, "temperature", f"Divided by {temperature:g}.", {"logits": logits},
            {"y": rows(lambda l: sampling.scale(l, temperature), logits)},
            {"temperature": temperature}, tries=wrong,
        )
    limits = np.array([[INF, 1, INF, -INF], [-INF] * 4, [3e38, 3.1e38, -3e38, 0], [0, 1, 2, -INF],
                       [-3, -1, -2, -1], [2, 2, 1, 0]], F32)  # fmt: skip
    for temperature in [1.0, 0.5, 1e-40]:
        late = rows(lambda l: late_ranking(l, temperature), limits)
        cases.add(
            f"temperature-overflow-{temperature:g}", "temperature",
            "The largest logit is infinite: the largest before the division become 0, others -inf.",
            {"logits": limits}, {"y": rows(lambda l: sampling.scale(l, temperature), limits)},
            {"temperature": temperature}, ["special", "sampling"],
            tries={} if temperature == 1 else {"ranked after the division": late},
        )


def late_ranking(logits, temperature):
    """Makes logits equal that overflow alike."""
    with np.errstate(all="ignore"):
        out = logits / F32(temperature)
    return np.where(out == out.max(), F32(0), -INF) if np.isinf(out.max()) else out


def add_filters(cases):
    for count, width in SIZES:
        for kind, make in {"normal": normal, "tied": tied}.items():
            name = f"{kind}-v{width}"
            logits = make(cases.pack.rng(f"filter-{name}"), count, width)
            if kind == "tied":
                logits[:, 0] = 1  # the largest is finite
            for k in sorted({1, 40, width - 1} & set(range(1, width)) | {0, width + 3}):
                kept = rows(lambda l: sampling.top_k(l, k), logits)
                strict = kept.copy()
                if 0 < k < width:
                    for row in range(count):
                        strict[row, sampling.ranked(logits[row])[k:]] = -INF
                cases.add(f"top-k-{k}-{name}", "top_k_filter", f"k = {k}.", {"logits": logits},
                          {"y": kept}, {"top_k": k},
                          ["exact", "sampling"] + (["tie"] if kind == "tied" else []),
                          tries={"exactly k": strict})  # fmt: skip
            for p in [0.05, 0.5, 0.95, 1.0]:
                add_nucleus(cases, f"top-p-{p:g}-{name}", logits, p, kind)
    # Every probability is 2**-n, so that a prefix can come to p exactly.
    for width, p in [(2, 0.5), (8, 0.25), (256, 0.5), (512, 0.75)]:
        add_nucleus(cases, f"top-p-exact-{width}", np.zeros((1, width), F32), p, "tied")
    add_nucleus(cases, "top-p-flat-2048", np.full((1, 2048), -1.5, F32), 0.7, "tied")
    long = normal(cases.pack.rng("top-p-long"), 1, 2000, 0.5)
    add_nucleus(cases, "top-p-long", long, 0.95, "normal")
    # A p that the sum in blocks comes to exactly, and others only later.
    q = contract.softmax(long[0])[sampling.ranked(long[0])]
    blocks, chain = sampling.cumulative(q), np.cumsum(q, dtype=F32)
    from_below = np.cumsum(q[::-1], dtype=F32)[::-1]
    inside = (blocks > F32(0.5)) & (blocks < F32(0.99))
    for name, late in {
        "blocks": np.flatnonzero((chain < blocks) & inside),
        "from-below": np.flatnonzero((from_below[1:] > F32(1) - blocks[:-1]) & inside[:-1]),
    }.items():
        add_nucleus(cases, f"top-p-border-{name}", long, float(blocks[late[len(late) // 2]]), "normal")


def add_nucleus(cases, name, logits, p, kind):
    kept = rows(lambda l: sampling.top_p(l, p), logits)

    def other(rule):
        out = np.full_like(logits, -INF)
        for row, l in enumerate(logits):
            order = sampling.ranked(l)
            chosen = rule(order, contract.softmax(l)[order]) if p < 1 else order
            out[row, chosen] = l[chosen]
        return out

    def ascending(order, q):  # from the least likely up, as Transformers does
        return order[np.cumsum(q[::-1], dtype=F32)[::-1] > F32(1) - F32(p)]

    def prefix(rule):
        return lambda order, q: order[: rule(sampling.cumulative(q))]

    cases.add(
        name, "top_p_filter", f"p = {p:g}.", {"logits": logits}, {"y": kept}, {"top_p": p},
        ["ordered", "sampling"] + (["tie"] if kind == "tied" else []),
        tries={
            "one sum without blocks": rows(lambda l: sampling.top_p(l, p, 10**9), logits),
            "without the token that comes to p": other(prefix(lambda c: (c < F32(p)).sum())),
            "beyond p": other(prefix(lambda c: (c <= F32(p)).sum() + 1)),
            "of equal ones the higher id": rows(lambda l: sampling.top_p(l[::-1], p)[::-1], logits),
            "summed from the least likely": other(ascending),
        },
    )


def add_all(cases):
    for add in [add_penalties, add_blocks, add_temperatures, add_filters]:
        add(cases)
