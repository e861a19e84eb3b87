"""Makes the area "models": tiny whole models, their traces and greedy generations, bit for bit.

    python make_models.py        (pip install -r requirements-numpy.txt; Python 3.11)
"""

import shutil
from unittest import mock

import numpy as np

import attention
import contract
import generation
import run_model
import tiny_models
from golden import Pack, same_bits
from manifest import GOLDEN

FLAGS = {
    "trace": "Intermediate values of one forward pass.",
    "generate": "Greedy generation.",
    "routed": "Adapters are chosen per token by the gates.",
    "single": "One adapter on its own, without gates.",
    "plain": "The base model without adapters.",
    "all": "Lists every intermediate value.",
    "batch": "Several sequences in one pass; each has the bits that it has alone.",
    "long": "Crosses a block of 128 positions.",
    "checkpoint": "A, B and gates come from a checkpoint as the published code saves it.",
}


class Cases:
    def __init__(self, pack, model):
        self.pack, self.model = pack, model

    def prompt(self, length, stream="prompt"):
        rng = self.pack.rng(f"{self.model}/{stream}/{length}")
        vocabulary = {"gqa-sharded": 128, "long-prompts": 64, "plain-minimal": 128}
        return rng.integers(3, vocabulary.get(self.model, 96), length)

    def parameters(self, mode, **more):
        base = {"model": f"models/{self.model}", "mode": mode}
        beside = {
            "bias-f16": {"adapters": "adapters", "gates": "gates.safetensors"},
            "rope-parameters": {"adapters": ["third", "second", "first"],
                                "gates": "gates.safetensors"},
            "published": {"adapters": "adapters", "checkpoint": "meteora_checkpoint.safetensors"},
            "published-unequal": {"adapters": "adapters",
                                  "checkpoint": "meteora_checkpoint.safetensors"},
            "plain-minimal": {"adapters": ["solo"]},
        }.get(self.model, {})
        if mode == "plain":
            beside = {}
        if mode == "single":
            beside = {name: value for name, value in beside.items() if name == "adapters"}
        path = lambda name: f"models/{self.model}/{name}"
        for name, value in beside.items():
            base[name] = path(value) if isinstance(value, str) else [
                {"name": each, "path": path(f"adapters/{each}")} for each in value]
        return {**base, **more}

    def flags(self, operation, parameters, length):
        mode = {"base": "plain"}.get(parameters["mode"], parameters["mode"])
        flags = ["ordered", operation, mode]
        flags += ["long"] if length > 128 else []
        return flags + (["checkpoint"] if "checkpoint" in parameters else [])

    def trace(self, name, comment, length, extent, parameters, differs=()):
        """`differs`: other parameters, which must give other logits."""
        ids = self.prompt(length)
        recorded = run_model.trace(parameters, ids)
        for what, other in differs:
            logits = run_model.trace({**parameters, **other}, ids)["logits"]
            assert not same_bits(logits, recorded["logits"]), (self.model, name, what)
        outputs = run_model.chosen(recorded, extent)
        assert np.isfinite(outputs["logits"]).all() and 1 < np.std(outputs["logits"]) < 8
        if "layers.0.q_proj.selected" in recorded and length > 8 and parameters["top_k"] < 5:
            firsts = {int(i) for i in recorded["layers.0.q_proj.selected"][:, 0]}
            assert len(firsts) > 1, f"{self.model}/{name}: one adapter wins everywhere"
        flags = self.flags("trace", parameters, length) + (["all"] if extent == "all" else [])
        self.pack.add(f"{self.model}/trace-{name}", "trace", comment, {"ids": ids}, outputs,
                      parameters, flags, file=self.model)

    def generate(self, name, comment, length, parameters, count, reason, eos=(), ngram=0,
                 check=lambda new, steps: True):
        ids = self.prompt(length)
        model = run_model.open_model(parameters)
        new, why, steps = generation.generate(model, ids.tolist(), count, eos, ngram)
        assert why == reason and check(new, steps), (self.model, name, new, why)
        if ngram:
            free = generation.generate(model, ids.tolist(), count, eos)[0]
            assert new != free, f"{self.model}/{name}: the block changes nothing"
        self.pack.add(
            f"{self.model}/generate-{name}", "generate", comment, {"ids": ids},
            {"new_ids": np.array(new, np.int64)},
            {**parameters, "max_new_tokens": count, "no_repeat_ngram_size": ngram,
             "eos_token_id": list(eos), "finish_reason": why},
            self.flags("generate", parameters, length), file=self.model)
        return new

    def batch(self, name, comment, lengths, parameters):
        """Every sequence is run alone here. From 129 positions on, padding shows in the blocks."""
        ids = self.prompt(sum(lengths), f"batch-{name}")
        sequences = np.split(ids, np.cumsum(lengths)[:-1])
        logits = run_model.last_logits(parameters, sequences)
        catches = {}
        if max(lengths) > contract.BLOCK:
            catches["blocks counted from left padding"] = np.stack([
                left_padded(max(lengths) - len(each), parameters, each) for each in sequences])
        flags = self.flags("batch", parameters, max(lengths))
        self.pack.add(
            f"{self.model}/batch-{name}", "last_logits", comment, {"ids": ids},
            {"last_logits": logits}, {**parameters, "lengths": lengths}, flags, file=self.model,
            catches=catches)


def left_padded(padding, parameters, ids):
    """`last_logits` of one sequence if `padding` hidden positions before it count for blocks."""
    def attend(q, k, v, first):
        factor, group = np.float32(1 / np.sqrt(np.float64(q.shape[2]))), q.shape[1] // k.shape[1]
        visible = padding + first + 1 + np.arange(len(q))
        y = np.empty_like(q)
        for head in range(q.shape[1]):
            keys, values = k[:, head // group], v[:, head // group]
            scores = contract.products(q[:, head], keys) * factor
            scores = np.pad(scores, ((0, 0), (padding, 0)), constant_values=-np.inf)
            values = np.pad(values, ((padding, 0), (0, 0)))
            p = contract.softmax(scores, visible)
            y[:, head] = contract.dot(p[:, None, :], values.T[None], visible[:, None])
        return y

    with mock.patch.object(attention, "attend", attend):
        return run_model.last_logits(parameters, [ids])[0]


def main():
    # The folders beside them come from other scripts.
    for path in (GOLDEN / "models").glob("*"):
        if path.name.startswith(("hf4-", "hf5-")):
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    tiny_models.write_all()
    pack = Pack("models", "make_models.py")
    for add in (mha_tied, gqa_sharded, bias_f16, rope_parameters, published, tasks28, long_prompts,
                plain_minimal):  # fmt: skip
        add(pack)
    pack.write(FLAGS)


def mha_tied(pack):
    cases = Cases(pack, "mha-tied")
    routed = lambda k, t: cases.parameters("routed", top_k=k, temperature=t)
    cases.trace("all-t4", "Every intermediate value of four tokens.", 4, "all", routed(2, 1.0))
    cases.trace("t1", "One token.", 1, "routing", routed(2, 1.0))
    cases.trace("t17", "17 tokens.", 17, "routing", routed(2, 1.0))
    cases.trace("k1", "One adapter a token.", 9, "routing", routed(1, 1.0),
                [("two adapters", {"top_k": 2})])
    cases.trace("k3-T15", "All adapters, T = 15.", 9, "routing", routed(3, 15.0),
                [("T = 1", {"temperature": 1.0})])
    cases.trace("k2-T0.5", "T = 0.5.", 8, "hidden", routed(2, 0.5))
    single = cases.parameters("single", adapter="capitals")
    cases.trace("single-all-t3", "One adapter, every intermediate value.", 3, "all", single)
    cases.trace("base", "The bundle without its adapters.", 7, "hidden", cases.parameters("base"))
    cases.generate("routed", "16 tokens.", 5, routed(2, 1.0), 16, "length")
    cases.generate("ngram2", "No pair of tokens twice, prompt included.", 9, routed(2, 1.0), 24,
                   "length", ngram=2)
    cases.generate("single", "One adapter.", 5, single, 12, "length")
    cases.generate("base", "No adapter.", 5, cases.parameters("base"), 12, "length")
    cases.batch("single", "One adapter, lengths around a tile's.", [1, 8, 7, 9], single)


def gqa_sharded(pack):
    cases = Cases(pack, "gqa-sharded")
    routed = lambda k, t: cases.parameters("routed", top_k=k, temperature=t)
    cases.trace("all-t3", "Every intermediate value; k_proj has no adapter and no entry.", 3, "all",
                routed(3, 15.0))
    cases.trace("t9", "Unequal ranks, missing modules, rsLoRA, patterns.", 9, "routing",
                routed(3, 15.0), [("T = 1", {"temperature": 1.0}), ("k = 2", {"top_k": 2})])
    cases.trace("k5-T30", "All five adapters, T = 30.", 8, "hidden", routed(5, 30.0))
    cases.trace("k1", "One adapter, which may lack the module.", 17, "hidden", routed(1, 1.0))
    for name in ("rank3-rslora", "rank8", "second-layer"):
        single = cases.parameters("single", adapter=name)
        cases.trace(f"single-{name}", f"The adapter {name} on its own.", 7, "logits", single)
    cases.batch("routed", "Four lengths; unequal ranks.", [5, 1, 33, 17], routed(3, 15.0))
    free = cases.generate("routed", "12 tokens, no EOS.", 7, routed(3, 15.0), 12, "length")
    at = next(i for i in range(4, 12) if free[i] not in free[:i])
    cases.generate("eos", "Two EOS ids, one of them stops it and stays.", 7, routed(3, 15.0), 12,
                   "eos", eos=[127, free[at]], check=lambda new, _: new == free[: at + 1])
    at = next(i for i in range(11, 0, -1) if free[i] not in free[:i])
    cases.generate("eos-at-limit", "The last token allowed is EOS: the reason is eos.", 7,
                   routed(3, 15.0), at + 1, "eos", eos=[free[at]])


def bias_f16(pack):
    cases = Cases(pack, "bias-f16")
    routed = lambda k, t: cases.parameters("routed", top_k=k, temperature=t)
    cases.trace("k1", "Biases, binary16, linear rope; adapters in byte order.", 9, "routing",
                routed(1, 1.0))
    cases.trace("k2", "Two adapters a token.", 8, "routing", routed(2, 1.0))
    cases.trace("k4-T20", "All adapters, T = 20.", 2, "hidden", routed(4, 20.0))
    cases.trace("plain-all-t2", "The folder alone, every intermediate value.", 2, "all",
                cases.parameters("plain"))
    cases.generate("routed", "16 tokens.", 6, routed(2, 1.0), 16, "length")


def rope_parameters(pack):
    cases = Cases(pack, "rope-parameters")
    routed = lambda k, t: cases.parameters("routed", top_k=k, temperature=t)
    cases.trace("k3-T0.5", "All three adapters in the given order, T = 0.5.", 9, "routing",
                routed(3, 0.5))
    cases.trace("k2", "Adapters in the given order.", 17, "hidden", routed(2, 1.0),
                [("order of names", {"adapters": "models/rope-parameters/adapters"})])
    cases.trace("plain", "The folder alone.", 7, "hidden", cases.parameters("plain"))
    cases.generate("routed", "12 tokens.", 7, routed(2, 1.0), 12, "length")


def published(pack):
    cases = Cases(pack, "published")
    routed = lambda k, t: cases.parameters("routed", top_k=k, temperature=t)
    cases.trace("k2", "Equal ranks; A and B of the adapter folders do not count.", 9, "routing",
                routed(2, 1.0))
    cases.trace("k3-T20", "All adapters, T = 20.", 7, "hidden", routed(3, 20.0))
    cases.generate("routed", "40 tokens, no three of them twice.", 9, routed(2, 1.0), 40, "length",
                   ngram=3)
    cases = Cases(pack, "published-unequal")
    cases.trace("k2", "Ranks 2, 5, 1 by running sum; the last adapter has no up_proj.", 9,
                "routing", cases.parameters("routed", top_k=2, temperature=1.0))


def tasks28(pack):
    cases = Cases(pack, "tasks28")
    routed = lambda k, t: cases.parameters("routed", top_k=k, temperature=t)
    cases.trace("k2", "Two of 28 adapters.", 9, "routing", routed(2, 1.0))
    cases.trace("k2-T15", "Two of 28, T = 15.", 17, "hidden", routed(2, 15.0))
    cases.trace("k28", "All 28 adapters.", 3, "routing", routed(28, 1.0))
    cases.trace("k1", "One of 28.", 33, "logits", routed(1, 1.0))
    cases.generate("k2", "16 tokens.", 5, routed(2, 1.0), 16, "length")
    cases.generate("k3-T30", "Three adapters, T = 30.", 5, routed(3, 30.0), 16, "length", ngram=2)


def long_prompts(pack):
    cases = Cases(pack, "long-prompts")
    routed = cases.parameters("routed", top_k=2, temperature=1.0)
    cases.trace("t140", "140 positions: two blocks of attention.", 140, "logits", routed)
    cases.batch("routed", "Up to 264 positions, three blocks; more than 700 rows.",
                [257, 1, 130, 9, 264, 128], routed)
    cases.batch("base", "256 and 257 positions beside short prompts, without adapters.",
                [3, 257, 256], cases.parameters("base"))
    cases.generate("past-128", "From 120 to 140 positions.", 120, routed, 20, "length")
    cases.generate("past-256", "From 250 to max_position_embeddings, 264.", 250, routed, 100,
                   "length", check=lambda new, _: len(new) == 14)


def plain_minimal(pack):
    cases = Cases(pack, "plain-minimal")
    plain = cases.parameters("plain")
    single = cases.parameters("single", adapter="solo")
    cases.trace("plain", "Defaults where config.json is silent; inv_freq tensors do not count.", 9,
                "hidden", plain)
    cases.trace("single-all", "One adapter with patterns and rsLoRA, every intermediate value.", 3,
                "all", single)
    cases.generate("ties", "Id i always ties with 64 + i; the lower is taken.", 8, plain, 16,
                   "length", check=lambda new, steps: max(new) < 64 and all(
                       same_bits(s[:64], s[64:]) for s in steps))
    cases.generate("ngram1", "No token twice, prompt included: then 64 + i takes the place of i.",
                   8, plain, 24, "length", ngram=1,
                   check=lambda new, _: len({*new}) == len(new) and max(new) >= 64)
    cases.generate("positions", "20 tokens and 32 positions: 12 new ones.", 20, single, 50,
                   "length", check=lambda new, _: len(new) == 12)


if __name__ == "__main__":
    main()
