"""Makes the area "adapters": merged weights, and gates that may choose among some adapters only.

    python make_adapters.py        (pip install -r requirements-numpy.txt; Python 3.11)

The models are those of make_models.py, which runs before this. A masked model is executed twice:
with the mask, and as a model of the allowed adapters and their rows of the gates alone; the script
asserts that both give the same bits.
"""

import numpy as np

import contract
import generation
import lora_moe
import merge
import routing
import run_model
from adapters import RoutedLinears
from cases_lora import describe, make
from cases_products import eighths, normal
from cases_routing import ODD_LOGITS
from golden import Pack, same_bits
from shortcuts import instead, wrong_dots
from tensors import store

F32 = np.float32
FLAGS = {
    "merged": "One adapter is added to the base's weights.",
    "mask": "The gates may choose among some of the adapters only.",
}


def main():
    pack = Pack("adapters", "make_adapters.py")
    add_merges(pack)
    add_routings(pack)
    add_gated(pack)
    add_masked_models(pack)
    add_merged_models(pack)
    pack.write(FLAGS)


# Merged weights


def add_merges(pack):
    for out, width, rank, dtype in [(1, 1, 1, "F32"), (7, 9, 4, "BF16"), (17, 33, 16, "F16")]:
        rng = pack.rng(f"merge-exact-{out}-{width}-{rank}")
        tensors = [store(eighths(rng, *shape), dtype)
                   for shape in [(out, width), (rank, width), (out, rank)]]
        add_merge(pack, f"merge-exact-o{out}-i{width}-r{rank}", "Every sum exact.", *tensors,
                  rank * 2, False, ["exact"], exact=True)
    for out, width, rank, dtype, ab, alpha, rslora in [
        (5, 8, 1, "F32", "F32", 16, False), (8, 33, 3, "BF16", "BF16", 5, True),
        (17, 15, 8, "F16", "F16", 5.3, False), (9, 7, 64, "BF16", "F32", 16, False),
        (4, 16, 130, "F32", "BF16", 7, True), (3, 5, 300, "F16", "F32", 32, False),
        (33, 65, 2, "F32", "F16", 5.3, True),
    ]:  # fmt: skip
        name = f"merge-o{out}-i{width}-r{rank}-{dtype.lower()}"
        rng = pack.rng(name)
        weight = store(normal(rng, out, width), dtype)
        a, b = store(normal(rng, rank, width), ab), store(normal(rng, out, rank), ab)
        add_merge(pack, name, f"W in {dtype}, A and B of rank {rank} in {ab}.", weight, a, b, alpha,
                  rslora, ["ordered"])
    weight = np.array([[0, -0.0, -0.0, 1, 1e-45, -1], [-0.0, 0, 3, -3, 1, 2]], F32)
    a = np.array([[0, 0, -0.0, 1, 1, -1]], F32)
    for name, alpha in (("positive", 2), ("negative", -2)):
        add_merge(pack, f"merge-zeros-{name}",
                  "A dot product is never -0, but s may change its sign.", store(weight), store(a),
                  store(np.array([[1], [-1]], F32)), alpha, False, ["exact", "special"])


def add_merge(pack, name, comment, weight, a, b, alpha, rslora, flags, exact=False):
    s = lora_moe.scaling(alpha, len(a.f32), rslora)
    w, dtype = weight.f32, weight.dtype

    def outputs(merged, rounded=None):
        if dtype == "F32":
            return {"merged": merged}
        rounded = merge.rounded(merged, dtype) if rounded is None else rounded
        return {"merged": merged, "rounded": rounded}

    product = contract.products(b.f32, a.f32.T)
    wrong = {
        "fused with the sum": outputs(contract.fma32(s, product, w)),
        "s multiplied into A": outputs(w + contract.products(b.f32, (s * a.f32).T)),
        "s multiplied into B": outputs(w + contract.products(s * b.f32, a.f32.T)),
    }
    for what, dot in wrong_dots(len(a.f32)).items():
        wrong[what] = instead(dot, lambda: outputs(merge.merged(w, a.f32, b.f32, s)))
    checks = {"agrees": wrong} if exact else {"tries": wrong}
    merged = w + s * product
    if dtype != "F32" and not exact:
        narrow = merge.rounded(merge.rounded(s * product, dtype) + w, dtype)
        checks["tries"]["update rounded before the sum"] = outputs(merged, narrow)
    pack.add(name, "merge", comment, {"weight": weight, "A": a, "B": b}, outputs(merged),
             {"lora_alpha": alpha, "use_rslora": rslora}, flags + ["merged"], file="merge",
             **checks)


# Masks


def add_routings(pack):
    def add(name, comment, logits, allowed, k, temperature, flags):
        right = routing.route(logits, k, temperature, allowed)
        outputs = dict(zip(("selected", "weights"), right))
        pack.add(name, "routing", comment, {"logits": logits}, outputs,
                 {"top_k": k, "temperature": temperature, "allowed": allowed}, flags + ["mask"],
                 file="routing", tries=wrong_masks(logits, allowed, k, temperature))

    for t, count, allowed, k, temperature in [
        (9, 5, [1, 3], 1, 1.0), (9, 5, [1, 3], 2, 1.0), (8, 5, [0, 2, 4], 2, 15.0),
        (17, 28, list(range(1, 28, 2)), 3, 1.0), (7, 28, [0, 27], 2, 0.5),
        (9, 3, [0, 1, 2], 2, 1.0), (3, 3, [2], 1, 1.0), (2, 140, list(range(5, 138)), 130, 3.0),
    ]:  # fmt: skip
        name = f"routing-t{t}-l{count}-of{len(allowed)}-k{k}-T{temperature:g}"
        logits = normal(pack.rng(name), t, count, scale=2)
        add(name, f"{k} of {len(allowed)} allowed of {count}.", logits, allowed, k, temperature,
            ["ordered"])
    for k in [1, 2, 3]:
        add(f"routing-special-{k}", "NaN, infinities, ties and signed zeros inside and outside of "
            "the mask: what is outside counts for nothing.", ODD_LOGITS, [1, 2, 4], k, 1.0,
            ["special", "tie"])
    tied = np.repeat(np.array([[0.5], [-7], [0]], F32), 8, axis=1)
    for k in [1, 2, 4]:
        add(f"routing-exact-ties-{k}", "All logits equal: the lowest allowed, equal weights.", tied,
            [2, 3, 5, 7], k, 1.0, ["exact", "tie"])


def wrong_masks(logits, allowed, k, temperature):
    right, weights = routing.route(logits, k, temperature, allowed)
    outside = np.setdiff1d(np.arange(logits.shape[1]), allowed)
    if len(outside) == 0:
        unmasked = routing.route(logits, k, temperature)
        assert same_bits(unmasked[0], right) and same_bits(unmasked[1], weights)
        return {}
    everything = contract.softmax(logits / F32(temperature))
    zeroed = logits.copy()
    zeroed[:, outside] = 0
    named = lambda pair: dict(zip(("selected", "weights"), pair))
    wrong = {
        "mask left out": named(routing.route(logits, k, temperature)),
        "logits set to 0": named(routing.route(zeroed, k, temperature)),
        "indices among the allowed": {
            "selected": np.searchsorted(allowed, right), "weights": weights},
    }
    if k > 1:
        wrong["softmax over all adapters"] = {
            "selected": right, "weights": np.take_along_axis(everything, right, axis=1)}
    return wrong


def add_gated(pack):
    for t, width, out, ranks, allowed, k, temperature, dtype in [
        (9, 33, 17, [3, 1, 8, None, 2], [0, 3, 4], 2, 15.0, "BF16"),
        (8, 16, 8, [2, 2, 2], [1], 1, 1.0, "F32"),
        (5, 12, 9, [2, 4, None, 1], [0, 2], 2, 1.0, "F16"),
    ]:  # fmt: skip
        name = f"gated-t{t}-l{len(ranks)}-of{len(allowed)}-k{k}"
        rng, count = pack.rng(name), len(ranks)
        layer = make(normal, rng, ranks, width, out, [16] * count, None, (dtype,))
        gate = store(normal(rng, count, width), dtype)
        x, base = normal(rng, t, width), normal(rng, t, out)
        logits = contract.products(x, gate.f32)

        def outputs(selected, weights):
            delta = layer.delta(x, selected, weights, out)
            return {"gate_logits": logits, "selected": selected, "weights": weights,
                    "delta": delta, "y": base + delta}

        wrong = {
            what: outputs(each["selected"], each["weights"])
            for what, each in wrong_masks(logits, allowed, k, temperature).items()
            if what != "indices among the allowed"}
        pack.add(name, "lora_moe_gated",
                 f"{k} of adapters {allowed} of ranks {describe(ranks)}, T = {temperature:g}.",
                 {"x": x, "base": base, "gate": gate, **layer.inputs},
                 outputs(*routing.route(logits, k, temperature, allowed)),
                 {**layer.parameters, "top_k": k, "temperature": temperature, "allowed": allowed},
                 ["ordered", "mask"], file="lora_moe", tries=wrong)


# Whole models

VOCABULARY = {"gqa-sharded": 128, "plain-minimal": 128}


def prompt(pack, model, name, length):
    return pack.rng(f"{model}/{name}/{length}").integers(3, VOCABULARY.get(model, 96), length)


def masked(model, only, k, temperature):
    parameters = {"model": f"models/{model}", "mode": "routed", "top_k": k,
                  "temperature": temperature, "only": only}
    if model == "published":
        parameters |= {"adapters": "models/published/adapters",
                       "checkpoint": "models/published/meteora_checkpoint.safetensors"}
    return parameters


def trace_alone(parameters, ids):
    """The trace of a model that was never given the adapters outside of the mask."""
    model = run_model.open_model(parameters)
    routed = model.linears
    kept = [routed.adapters[i] for i in routed.allowed]
    changed = set().union(*(adapter.pairs for adapter in kept))
    gates = {at: gate[routed.allowed] for at, gate in routed.gates.items() if at in changed}
    model.linears = RoutedLinears(kept, gates, routed.top_k, routed.temperature)
    recorded = {}
    model.forward(ids, record=recorded.__setitem__)
    return recorded, routed.allowed


def require_alike(recorded, alone, allowed):
    assert recorded.keys() == alone.keys()
    for name, value in recorded.items():
        if name.endswith("gate_logits"):
            value = value[:, allowed]
        if name.endswith("selected"):
            value = np.searchsorted(allowed, value)
        assert same_bits(value, alone[name]), name


def add_masked_models(pack):
    def trace(name, comment, model, only, k, temperature, length, extent):
        parameters = masked(model, only, k, temperature)
        ids = prompt(pack, model, name, length)
        recorded = run_model.trace(parameters, ids)
        require_alike(recorded, *trace_alone(parameters, ids))
        unmasked = {each: value for each, value in parameters.items() if each != "only"}
        whole = run_model.trace(unmasked, ids)
        outputs = run_model.chosen(recorded, extent)
        flags = ["ordered", "trace", "routed", "mask"] + (["all"] if extent == "all" else [])
        flags += ["checkpoint"] if "checkpoint" in parameters else []
        pack.add(f"{model}/trace-{name}", "trace", comment, {"ids": ids}, outputs, parameters,
                 flags, file=model,
                 catches={"mask left out": {n: whole[n] for n in outputs if n in whole}})

    trace("all-t4", "Two of three adapters, every intermediate value.", "mha-tied",
          ["capitals", "reverse"], 2, 1.0, 4, "all")
    trace("one", "One adapter alone is chosen, with weight 1.", "mha-tied", ["reverse"], 1, 1.0, 9,
          "routing")
    trace("few-modules", "Most modules have none of the allowed adapters and are the base's alone.",
          "gqa-sharded", ["rank1", "second-layer"], 2, 15.0, 9, "all")
    trace("k3", "All of the allowed adapters; the order of the names is another.", "gqa-sharded",
          ["rank5", "rank8", "rank3-rslora"], 3, 15.0, 9, "routing")
    trace("half", "Every other task.", "tasks28", [
        "abstract_narrative", "arithmetic", "cnn_news", "contextual", "dates", "emoji", "figures",
        "gsm", "inequality", "linguistics", "news_de", "objects", "similarities", "topical",
    ], 2, 1.0, 9, "hidden")
    trace("checkpoint", "Rows of a published checkpoint's gates.", "published",
          ["capitals", "winowhy"], 2, 1.0, 7, "hidden")

    parameters = masked("mha-tied", ["sums", "reverse"], 2, 1.0)
    ids = prompt(pack, "mha-tied", "generate", 5)
    new, why, _ = generation.generate(run_model.open_model(parameters), ids.tolist(), 16, ())
    pack.add("mha-tied/generate", "generate", "16 tokens, two of three adapters.", {"ids": ids},
             {"new_ids": np.array(new, np.int64)},
             {**parameters, "max_new_tokens": 16, "no_repeat_ngram_size": 0, "eos_token_id": [],
              "finish_reason": why}, ["ordered", "generate", "routed", "mask"], file="mha-tied")

    parameters = masked("gqa-sharded", ["rank8", "rank5"], 2, 15.0)
    lengths = [5, 1, 17]
    ids = prompt(pack, "gqa-sharded", "batch", sum(lengths))
    sequences = np.split(ids, np.cumsum(lengths)[:-1])
    pack.add("gqa-sharded/batch", "last_logits", "Three sequences, two of five adapters.",
             {"ids": ids}, {"last_logits": run_model.last_logits(parameters, sequences)},
             {**parameters, "lengths": lengths}, ["ordered", "batch", "routed", "mask"],
             file="gqa-sharded")


def add_merged_models(pack):
    for model, base, adapter, length in [
        ("gqa-sharded", "gqa-sharded/base", "rank8", 9),
        ("gqa-sharded", "gqa-sharded/base", "rank3-rslora", 4), ("bias-f16", "bias-f16", "a2", 7),
        ("plain-minimal", "plain-minimal", "solo", 8),
        ("rope-parameters", "rope-parameters", "second", 5),
    ]:  # fmt: skip
        parameters = {
            "model": f"models/{base}", "mode": "merged", "adapter": adapter,
            "adapters": [{"name": adapter, "path": f"models/{model}/adapters/{adapter}"}]}
        ids = prompt(pack, model, f"merged-{adapter}", length)
        outputs = run_model.chosen(run_model.trace(parameters, ids), "hidden")
        single = run_model.trace({**parameters, "mode": "single"}, ids)
        near = np.abs(single["logits"] - outputs["logits"]).max()
        assert 0 < near < 1e-4 * np.abs(single["logits"]).max(), (model, adapter, near)
        pack.add(f"{model}/merged-{adapter}", "trace",
                 f"The adapter {adapter} in the weights.", {"ids": ids}, outputs, parameters,
                 ["ordered", "trace", "merged"], file=model,
                 catches={"adapter beside the weights": {n: single[n] for n in outputs}})
        if adapter == "solo":
            new, why, _ = generation.generate(
                run_model.open_model(parameters), ids.tolist(), 12, ())
            pack.add(f"{model}/merged-generate", "generate", "12 tokens.", {"ids": ids},
                     {"new_ids": np.array(new, np.int64)},
                     {**parameters, "max_new_tokens": 12, "no_repeat_ngram_size": 0,
                      "eos_token_id": [], "finish_reason": why},
                     ["ordered", "generate", "merged"], file=model)


if __name__ == "__main__":
    main()
