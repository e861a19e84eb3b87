"""Golden cases of whole steps: losses, gradients, weights. (Imported by make_training.py.)"""

import numpy as np

import training_run

SETTINGS = {
    "learning_rate": 0.01, "schedule": "constant", "warmup_ratio": 0.0, "total_steps": 10,
    "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01, "max_norm": 1.0,
}  # fmt: skip
# Lengths of the sequences of a batch, for each of ten steps.
SHORT = [[40, 1, 23], [7], [2, 9, 3, 5], [12], [17, 4], [5, 5, 5], [1, 31], [8, 2], [13],
         [6, 10, 3]]  # fmt: skip
LONG = [[40, 39, 38, 37], *SHORT[1:]]  # more than 128 rows, and labelled rows, in the first
VOCABULARY = {"gates": 90, "gates-and-adapters": 60, "adapter": 70, "base-tied": 50,
              "base-biases": 53}  # fmt: skip


def one_batch(lengths):
    return [[batch] for batch in lengths]


# name, comment, model, lengths, steps whose weights are listed, parameters, how tokens are labelled
CASES = [
    ("gates", "Gates, beta 50, warm-up and cosine, T = 2.", "gates", one_batch(LONG), [1, 3, 10],
     {"mode": "routed", "trained": "gates", "beta": 50.0, "top_k": 2, "temperature": 2.0,
      "schedule": "cosine", "warmup_ratio": 0.15}, {}),
    ("gates-top1", "One adapter a token: the language loss does not reach the gates.", "gates",
     one_batch(SHORT[2:4]), [2],
     {"mode": "routed", "trained": "gates", "beta": 1.0, "top_k": 1, "temperature": 2.0}, {}),
    ("gates-accumulation", "Two batches a step; the loss is on responses, some adapters unknown.",
     "gates", [[[40, 31], [38, 29]], [[3, 1], [17]], [[1], [9, 30]]], [1, 3],
     {"mode": "routed", "trained": "gates", "beta": 50.0, "top_k": 3, "temperature": 1.0},
     {"responses": True, "unknown": True}),
    ("gates-and-adapters", "Gates and four adapters, three a token, T = 15; linear, no clipping.",
     "gates-and-adapters", one_batch(SHORT), [1, 3, 10],
     {"mode": "routed", "trained": "gates_and_adapters", "beta": 0.5, "schedule": "linear",
      "max_norm": 1e4}, {"unknown": True}),
    ("adapter", "One adapter alone, loss on responses, cosine.", "adapter", one_batch(SHORT),
     [1, 3, 10],
     {"mode": "single", "adapter": "solo", "trained": "adapter", "schedule": "cosine",
      "weight_decay": 0.0}, {"responses": True}),
    ("base-tied", "A base whose embedding is the head; warm-up and linear.", "base-tied",
     one_batch(LONG), [1, 3, 10],
     {"mode": "plain", "trained": "base", "schedule": "linear", "warmup_ratio": 0.1}, {}),
    ("base-tied-accumulation", "Two and three batches a step: the head's blocks of a batch before "
     "its rows.", "base-tied", [[[40, 37, 39], [38, 36]], [[5], [2, 8], [7]]], [2],
     {"mode": "plain", "trained": "base"}, {}),
    ("base-biases", "A base with a head of its own and biases, which do not decay.", "base-biases",
     one_batch(SHORT), [1, 3, 10],
     {"mode": "plain", "trained": "base", "weight_decay": 0.1, "max_norm": 0.5}, {}),
]  # fmt: skip


def parameters_of(model, lengths, more):
    parameters = {"model": f"training/{model}", **SETTINGS, **more, "lengths": lengths}
    if model == "adapter":
        parameters["adapters"] = [{"name": "solo", "path": "training/adapter/adapters/solo"}]
    return parameters


def tokens_of(rng, model, lengths, responses=False, unknown=False):
    """ids, counts (1: a token to predict), owners (-1: unknown) of all sequences in turn.

    Owners change within a sequence, as in samples of several tasks.
    """
    sequences = [length for step in lengths for batch in step for length in batch]
    ids = rng.integers(3, VOCABULARY[model], sum(sequences))
    adapters = {"gates": 5, "gates-and-adapters": 4}.get(model, 1)
    counts, owners = [], []
    for index, length in enumerate(sequences):
        prompt = length // 3 if responses else 0
        counts.append(np.arange(length) >= prompt)
        first, second = rng.integers(0, adapters, 2)
        if unknown and index % 3 == 1:
            second = -1
        owners.append(np.where(np.arange(length) < length * 2 // 3, first, second))
    return ids, np.concatenate(counts).astype(np.int64), np.concatenate(owners)


def add_all(pack):
    for name, comment, model, lengths, listed, more, labels in CASES:
        _add(pack, name, comment, model, lengths, listed, more, labels)


def _add(pack, name, comment, model, lengths, listed, more, labels):
    parameters = parameters_of(model, lengths, more)
    tokens = tokens_of(pack.rng(name), model, lengths, **labels)
    outputs, losses, gate_losses, totals, norms = {}, [], [], [], []
    for step, (result, norm, _, weights) in enumerate(training_run.steps(parameters, *tokens), 1):
        losses.append(result.language_loss)
        gate_losses.append(result.gate_loss)
        totals.append(result.loss)
        norms.append(norm)
        if step == 1:
            outputs |= {f"gradient.{each}": value for each, value in result.gradients.items()}
            assert all(np.any(g) for g in result.gradients.values()), f"{name}: a gradient of zeros"
        if step in listed:
            outputs |= {f"step{step}.{each}": value for each, value in weights.items()}
    array = lambda values: np.array(values, np.float32)
    outputs |= {"language_losses": array(losses), "norms": array(norms)}
    if "beta" in parameters:
        outputs |= {"gate_losses": array(gate_losses), "losses": array(totals)}
    assert all(np.isfinite(value).all() for value in outputs.values())
    inputs = dict(zip(("ids", "counts", "owners"), tokens))
    if "beta" not in parameters:
        del inputs["owners"]
    mode = {"plain": "plain", "single": "single"}.get(parameters["mode"], "routed")
    flags = ["ordered", "training", mode]
    flags += ["accumulation"] if any(len(step) > 1 for step in lengths) else []
    flags += ["long"] if any(sum(batch) > 128 for step in lengths for batch in step) else []
    pack.add(name, "training_steps", comment, inputs, outputs, parameters, flags,
             file=f"steps-{name}")
