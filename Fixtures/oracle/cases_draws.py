"""Golden cases: random numbers, draws, and all steps together.

(pip install -r requirements-numpy.txt; imported by make_sampling.py, not run.)
"""

import numpy as np

import contract
import sampling
from cases_filters import F32, INF, normal, rows, tied

def add_draws(cases):
    seeds = np.array([0, 1, 2, 7, 2**32 - 1, 2**32, -1, -(2**63), 2**63 - 1], np.int64)
    steps = np.array([0, 1, 2, 127, 128, 2**32 - 1, 2**32, 2**40 + 3, 2**63 - 1], np.int64)
    seeds, steps = (each.ravel() for each in np.meshgrid(seeds, steps))

    def wrong(rule):
        return np.array([rule(int(s) % 2**64, int(t)) for s, t in zip(seeds, steps)], F32)

    halves = lambda x: (x % 2**32, x >> 32)
    first = lambda counter, key: sampling.philox(counter, key)[0]
    cases.add(
        "random-uniform", "random_uniform", "Seeds and steps on both sides of 32 bits.",
        {"seed": seeds, "step": steps},
        {"u": np.array([sampling.uniform(s, t) for s, t in zip(seeds, steps)])},
        flags=["exact", "sampling"],
        tries={
            "32 bits, rounded": wrong(lambda s, t: first((*halves(t), 0, 0), halves(s)) / 2**32),
            "the lower 24 bits": wrong(
                lambda s, t: first((*halves(t), 0, 0), halves(s)) % 2**24 / 2**24),
            "the step in the upper words": wrong(
                lambda s, t: (first((0, 0, *halves(t)), halves(s)) >> 8) / 2**24),
            "seed and step exchanged": wrong(
                lambda s, t: (first((*halves(s), 0, 0), halves(t)) >> 8) / 2**24),
            "the second word": wrong(
                lambda s, t: (sampling.philox((*halves(t), 0, 0), halves(s))[1] >> 8) / 2**24),
        },
    )
    top = F32(1 - 2**-24)
    for width, scale in [(1, 1), (2, 1), (11, 3), (127, 1), (128, 1), (129, 1), (300, 5), (1000, 0.3),
                         (2048, 0)]:  # fmt: skip
        name = f"inverse-cdf-v{width}"
        rng = cases.pack.rng(name)
        count = 20 if width < 300 else 8
        logits = normal(rng, 1, width, scale).repeat(count, 0)
        logits[:, rng.integers(0, width, width // 3)] = -INF
        logits[:, width // 2] = 0
        p = contract.softmax(logits)
        c = sampling.cumulative(p[0])
        u = rng.integers(0, 2**24, count)
        u[:4] = 0, 2**24 - 1, 1, 2**24 - 2
        u[4:8] = np.minimum(np.floor(c[rng.integers(0, width, 4)].astype(float) * 2**24), 2**24 - 1)
        u = (u / 2**24).astype(F32)
        assert u.max() <= top

        def wrong(rule):
            return np.array([rule(row, x) for row, x in zip(p, u)], np.int64)

        lowest = lambda c, x: min(int((c <= x).sum()), width - 1)
        by_rank = lambda row: np.argsort(-row, kind="stable")
        cases.add(
            name, "inverse_cdf", "Ascending id; ends, borders and zeros.", {"probabilities": p, "u": u},
            {"next": wrong(sampling.inverse_cdf)},
            tries={
                "u alone": wrong(lambda row, x: lowest(sampling.cumulative(row), x)),
                "up to and with": wrong(lambda row, x: min(
                    int((sampling.cumulative(row) < x * c[-1]).sum()), width - 1)),
                "one sum without blocks": wrong(lambda row, x: lowest(
                    np.cumsum(row, dtype=F32), x * np.cumsum(row, dtype=F32)[-1])),
                "binary64": wrong(lambda row, x: lowest(np.cumsum(row, dtype=float), float(x))),
                "descending probability": wrong(lambda row, x: by_rank(row)[
                    lowest(sampling.cumulative(row[by_rank(row)]), x)]),
            },
        )


SETTINGS = {
    "plain": {},
    "warm": {"temperature": 1.7},
    "top-k": {"temperature": 0.8, "top_k": 5},
    "top-p": {"temperature": 0.9, "top_p": 0.8},
    "penalty": {"repetition_penalty": 1.8},
    "ngram": {"no_repeat_ngram_size": 2},
    "all": {"temperature": 1.4, "top_k": 30, "top_p": 0.85, "repetition_penalty": 1.6,
            "no_repeat_ngram_size": 2},
}  # fmt: skip


def add_samples(cases):
    for setting, given in SETTINGS.items():
        for count, width in [(6, 12), (5, 129), (5, 300)]:
            name = f"sample-{setting}-v{width}"
            rng = cases.pack.rng(name)
            logits, ids = normal(rng, count, width), rng.integers(0, min(width, 12), (count, 16))
            steps = rng.integers(0, 200, count)
            parameters = {**sampling.DEFAULTS, **given}
            seeded = {**parameters, "seed": int(rng.integers(0, 2**40))}
            expected = rows(lambda l, i: sampling.probabilities(l, i, parameters), logits, ids)
            cases.add(f"probabilities-{setting}-v{width}", "sampling_probabilities",
                      f"Steps '{setting}' up to the softmax.", {"logits": logits, "ids": ids},
                      {"probabilities": expected}, parameters,
                      tries=other_orders(logits, ids, parameters) if setting == "all" else {})
            cases.add(name, "sample", f"Steps '{setting}' and the draw.",
                      {"logits": logits, "ids": ids, "step": steps},
                      {"next": np.array([sampling.choose(l, i, s, seeded)
                                         for l, i, s in zip(logits, ids, steps)])}, seeded)  # fmt: skip
    blocked = {**sampling.DEFAULTS, "no_repeat_ngram_size": 1, "top_k": 3, "top_p": 0.5, "seed": 5}
    logits = np.array([[1, 2, 3, 4]], F32).repeat(4, 0)
    ids = np.array([[0, 1, 2, 3]]).repeat(4, 0)
    cases.add("sample-all-blocked", "sample", "Every id is blocked: all are equally likely.",
              {"logits": logits, "ids": ids, "step": np.arange(4)},
              {"next": np.array([sampling.choose(l, i, s, blocked)
                                 for s, (l, i) in enumerate(zip(logits, ids))])}, blocked,
              ["special", "sampling"])  # fmt: skip
    greedy = {**sampling.DEFAULTS, "temperature": 0.0, "repetition_penalty": 2.0, "top_k": 1,
              "top_p": 0.1, "seed": 5}  # fmt: skip
    logits = tied(cases.pack.rng("sample-greedy"), 8, 20)
    ids = cases.pack.rng("sample-greedy-ids").integers(0, 20, (8, 5))
    cases.add("sample-greedy", "sample", "Temperature 0: the largest logit, the lowest id of equal.",
              {"logits": logits, "ids": ids, "step": np.arange(8)},
              {"next": np.array([sampling.choose(l, i, 0, greedy) for l, i in zip(logits, ids)])},
              greedy, ["exact", "tie", "sampling"])  # fmt: skip


def other_orders(logits, ids, parameters):
    p = parameters
    softmax = lambda l: contract.softmax(l[None])[0]

    def late_penalty(l, i):
        l = sampling.scale(l, p["temperature"])
        l = sampling.top_p(sampling.top_k(l, p["top_k"]), p["top_p"])
        return softmax(sampling.ngram_block(
            sampling.repetition_penalty(l, i, p["repetition_penalty"]), i,
            p["no_repeat_ngram_size"]))

    def top_p_first(l, i):
        l = sampling.scale(sampling.penalized(l, i, p), p["temperature"])
        return softmax(sampling.top_k(sampling.top_p(l, p["top_p"]), p["top_k"]))

    def temperature_last(l, i):
        l = sampling.penalized(l, i, p)
        l = sampling.top_p(sampling.top_k(l, p["top_k"]), p["top_p"])
        return softmax(sampling.scale(l, p["temperature"]))

    def cut_without_softmax(l, i):
        l = sampling.top_k(sampling.scale(sampling.penalized(l, i, p), p["temperature"]), p["top_k"])
        q = softmax(l)
        q = np.where(sampling.top_p(l, p["top_p"]) > -INF, q, F32(0))
        return q / contract.dot(q, np.ones(len(q), F32))

    return {
        what: {"probabilities": rows(rule, logits, ids)}
        for what, rule in {
            "penalties last": late_penalty, "top-p before top-k": top_p_first,
            "temperature after the filters": temperature_last,
            "the first softmax divided by what is left": cut_without_softmax,
        }.items()
    }  # fmt: skip


def add_all(cases):
    add_draws(cases)
    add_samples(cases)
