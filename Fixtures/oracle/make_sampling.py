"""Makes the area "sampling": every step from logits to the next id, whole draws, and sampled
generations of the models in models/, bit for bit.

    python make_sampling.py        (pip install -r requirements-numpy.txt; Python 3.11)
"""

import numpy as np

import cases_draws
import cases_filters
import contract
import generation
import run_model
import sampling
from golden import Pack

FLAGS = {
    "sampling": "A step between logits and the next id, or all of them.",
}


class Cases:
    def __init__(self, pack):
        self.pack = pack

    def add(self, name, operation, comment, inputs, outputs, parameters=None, flags=(), **checks):
        self.pack.add(name, operation, comment, inputs, outputs, parameters,
                      flags or ["ordered", "sampling"], file="steps", **checks)  # fmt: skip


def add_generations(pack):
    def add(name, comment, model, prompt, count, parameters, eos=(), reason="length", **given):
        drawn = {**sampling.DEFAULTS, "seed": 0, **given}
        ngram = drawn.pop("no_repeat_ngram_size")
        everything = {**drawn, "no_repeat_ngram_size": ngram}
        parameters = {"model": f"models/{model}", **parameters}
        rng = pack.rng(name)
        ids = rng.integers(3, 60, prompt).tolist()
        opened = run_model.open_model(parameters)
        run = lambda p: generation.generate(
            opened, ids, count, eos, choose=lambda l, i, s: sampling.choose(l, i, s, p))
        new, why, _ = run(everything)
        assert why == reason, (name, new, why)
        greedy = generation.generate(opened, ids, count, eos, ngram)[0]
        assert new != greedy, f"{name}: greedy gives the same"
        pack.add(
            name, "generate", comment, {"ids": np.array(ids)}, {"new_ids": np.array(new)},
            {**parameters, "max_new_tokens": count, "no_repeat_ngram_size": ngram,
             "eos_token_id": list(eos), "finish_reason": why, "sampling": drawn},
            ["ordered", "sampling", "generate", {"base": "plain"}.get(parameters["mode"],
                                                                      parameters["mode"])],
            file="generations")  # fmt: skip
        return new

    routed = {"mode": "routed", "top_k": 2, "temperature": 1.0}
    add("generate-t1", "Temperature 1.", "mha-tied", 5, 24, routed)
    add("generate-seed", "Another seed, 40 bits long.", "mha-tied", 5, 24, routed, seed=2**40 + 7)
    add("generate-top-k", "The four largest.", "mha-tied", 5, 24, routed, temperature=0.9, top_k=4,
        seed=3)
    add("generate-top-p", "Nucleus of 0.7.", "mha-tied", 5, 24, routed, temperature=1.2, top_p=0.7,
        seed=4)
    add("generate-penalty", "Repetition penalty alone, greedy.", "mha-tied", 9, 24, routed,
        temperature=0.0, repetition_penalty=1.3)
    add("generate-all", "Every setting.", "tasks28", 6, 24, {**routed, "temperature": 15.0},
        temperature=1.5, top_k=20, top_p=0.9, repetition_penalty=1.2, no_repeat_ngram_size=2, seed=9)
    new = add("generate-plain", "A plain folder.", "plain-minimal", 7, 20, {"mode": "plain"},
              temperature=0.8, seed=11)
    assert len(new) == 20
    sharded = {"mode": "routed", "top_k": 3, "temperature": 15.0}
    free = add("generate-free", "Until the limit.", "gqa-sharded", 7, 16, sharded, seed=21)
    assert len({*free}) > 4
    # The same name's prompt is another: EOS is looked for in the case's own answer.
    add("generate-eos", "A third of the ids are EOS.", "gqa-sharded", 7, 16, sharded,
        eos=range(0, 128, 3), reason="eos", seed=22)


def main():
    check_own_parts()
    pack = Pack("sampling", "make_sampling.py")
    cases = Cases(pack)
    cases_filters.add_all(cases)
    cases_draws.add_all(cases)
    add_generations(pack)
    pack.write(FLAGS)


def check_own_parts():
    """The known answers of Random123 1.09, and C(n) against its definition."""
    full = 2**32 - 1
    assert sampling.philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert sampling.philox([full] * 4, [full] * 2) == [
        0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]  # fmt: skip
    pi = [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0]
    assert sampling.philox(pi[:4], pi[4:]) == [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]
    q = np.random.default_rng(1).random(700, np.float32)
    c = sampling.cumulative(q)
    for n in [1, 2, 127, 128, 129, 255, 256, 257, 400, 700]:
        assert c[n - 1] == contract.dot(q[:n], np.ones(n, np.float32)), n


if __name__ == "__main__":
    main()
