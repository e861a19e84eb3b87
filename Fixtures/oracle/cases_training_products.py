"""Golden cases of the gradients of linear layers and embeddings. (Imported by make_training.py.)"""

import numpy as np

import contract
import training_layers
import training_sums
from cases_products import eighths, normal
from shortcuts import instead, wrong_dots
from tensors import store
from training_parameters import add_embedding

F32 = np.float32

# in, out, rows of each batch, dtype of the frozen weight
SHAPES = [
    (1, 1, [1], "F32"), (7, 15, [3], "F32"), (33, 17, [130], "BF16"), (9, 130, [1], "F16"),
    (31, 9, [128, 2], "F32"), (5, 300, [3, 1], "BF16"), (16, 8, [127], "F32"),
    (3, 5, [100, 90, 129], "F32"), (2, 3, [257], "F16"), (40, 31, [8, 8], "F32"),
]  # fmt: skip
EXACT_SHAPES = [(1, 1, [1], "F32"), (9, 33, [130, 5], "BF16"), (17, 7, [3], "F32")]


def add_all(pack):
    for tier, shapes in [("exact", EXACT_SHAPES), ("ordered", SHAPES)]:
        for width, out, batches, dtype in shapes:
            _add_linear(pack, tier, width, out, batches, dtype)
    _add_padding(pack)
    _add_embeddings(pack)


def sums_of(batches, a, b, start=F32(0)):
    """The contract's sum over rows; `a` and `b` have the rows of all batches."""
    total, borders = start, np.cumsum([0] + batches)
    for first, end in zip(borders[:-1], borders[1:]):
        total = training_sums.add_rows(total, a[first:end], b[first:end])
    return total


def outer_of(batches, a, b):
    zeros = np.zeros((a.shape[1], b.shape[1]), F32)
    return sums_of(batches, a[:, :, None], b[:, None, :], zeros)


def wrong_sums(batches, a, b):
    """Sums over rows [T, n] by [T, k] as they are tempting to write."""
    borders = np.cumsum([0] + batches)
    parts = [slice(first, end) for first, end in zip(borders[:-1], borders[1:])]
    whole = lambda a, b, block: contract.chain(
        a.T[:, None, :], b.T[None, :, :], None, block=block, fused=True)
    wrong = {"one chain over all rows": whole(a, b, 10**9)}
    if len(batches) > 1:
        wrong["blocks that go on from batch to batch"] = whole(a, b, contract.BLOCK)
        wrong["every batch summed from +0"] = sum(
            (whole(a[rows], b[rows], contract.BLOCK) for rows in parts), F32(0))
        wrong["the last batch alone"] = whole(a[parts[-1]], b[parts[-1]], contract.BLOCK)
    return wrong


def gradients_of(x, weight, dy, batches):
    ones = np.ones((len(dy), 1), F32)
    return {"dx": training_layers.linear_input(dy, weight), "dweight": outer_of(batches, dy, x),
            "dbias": sums_of(batches, dy, ones, np.zeros(dy.shape[1], F32))}  # fmt: skip


def _add_linear(pack, tier, width, out, batches, dtype):
    name = f"linear-{tier}-i{width}-o{out}-rows{'-'.join(map(str, batches))}"
    rng, rows = pack.rng(name), sum(batches)
    values = eighths if tier == "exact" else normal
    x, dy, weight = values(rng, rows, width), values(rng, rows, out), values(rng, out, width)
    weight = store(weight, dtype)
    run = lambda: gradients_of(x, weight.f32, dy, batches)
    others = {what: instead(dot, run) for what, dot in wrong_dots(max(out, rows)).items()}
    others |= {what: {"dweight": sums} for what, sums in wrong_sums(batches, dy, x).items()
               if tier == "ordered" or what != "the last batch alone"}
    pack.add(name, "linear_gradient",
             f"[{out}, {width}], {dtype} weights, batches of {batches} rows.",
             {"x": x, "weight": weight, "dy": dy}, run(), {"batches": batches}, [tier, "shapes"],
             file="products", **{"agrees" if tier == "exact" else "tries": others})


def _add_padding(pack):
    rng = pack.rng("linear-padding")
    lengths, width, out = [90, 60], 5, 4
    x, dy, weight = normal(rng, 150, width), normal(rng, 150, out), normal(rng, out, width)
    widen = lambda a: np.concatenate([a, np.zeros((30, a.shape[1]), F32)])
    before = lambda a: np.concatenate([a[:90], np.zeros((30, a.shape[1]), F32), a[90:]])
    right, left = ({"dweight": outer_of([180], each(dy), each(x))} for each in (widen, before))
    outputs = gradients_of(x, weight, dy, [150])
    assert np.array_equal(right["dweight"], outputs["dweight"])  # behind all rows they do no harm
    pack.add("linear-padding", "linear_gradient",
             "Sequences of 90 and 60 tokens: the second one's rows follow at once.",
             {"x": x, "weight": weight, "dy": dy}, outputs, {"batches": [sum(lengths)]},
             ["ordered"], file="products",
             catches={"padding between sequences that counts as rows": left})


def _add_embeddings(pack):
    for tier, batches, head_batches in [
        ("exact", [9, 4], None), ("ordered", [33], None), ("ordered", [20, 9, 40], None),
        ("exact", [7], [5]), ("ordered", [140, 9], [131, 8]), ("ordered", [5, 5, 5], [4, 3, 4]),
    ]:  # fmt: skip
        tied = "" if head_batches is None else "-tied"
        name = f"embedding-{tier}{tied}-rows{'-'.join(map(str, batches))}"
        rng, rows, vocabulary, width = pack.rng(name), sum(batches), 7, 5
        values = eighths if tier == "exact" else normal
        ids, dy = rng.integers(0, vocabulary - 1, rows), values(rng, rows, width)
        inputs, parameters = {"ids": ids, "dy": dy}, {"vocabulary": vocabulary, "batches": batches}
        comment = "Rows of one token are added in turn; the last token does not occur."
        heads = None
        if head_batches:
            count = sum(head_batches)
            head_dy, head_x = values(rng, count, vocabulary), values(rng, count, width)
            inputs |= {"head_dy": head_dy, "head_x": head_x}
            parameters["head_batches"] = head_batches
            heads = (head_batches, head_dy, head_x)
            comment = "Tied: the head's blocks of a batch come before its rows."
        run = lambda: embedding_gradient(ids, dy, batches, vocabulary, heads)
        others = _wrong_embeddings(ids, dy, batches, vocabulary, heads)
        pack.add(name, "embedding_gradient", comment, inputs, {"dweight": run()}, parameters,
                 [tier], file="products", **{"agrees" if tier == "exact" else "tries": others})


def embedding_gradient(ids, dy, batches, vocabulary, heads):
    """`heads`: of a tied head the rows of each batch, dlogits and inputs."""
    total, at, head_at = np.zeros((vocabulary, dy.shape[1]), F32), 0, 0
    for index, rows in enumerate(batches):
        if heads:
            part = slice(head_at, head_at + heads[0][index])
            total = training_sums.add_outer(total, heads[1][part], heads[2][part])
            head_at = part.stop
        total = add_embedding(total, ids[at : at + rows], dy[at : at + rows])
        at += rows
    return total


def _wrong_embeddings(ids, dy, batches, vocabulary, heads):
    alone = embedding_gradient(ids, dy, batches, vocabulary, None)
    descending = embedding_gradient(ids[::-1], dy[::-1], batches[::-1], vocabulary, None)
    one_hot = np.eye(vocabulary, dtype=F32)[ids]
    wrong = {}
    if heads is None:
        wrong["rows in descending order"] = descending
        wrong["a product with one-hot rows"] = outer_of(batches, one_hot, dy)
    else:
        head = outer_of(*heads)
        wrong["embedding summed apart, then added"] = head + alone
        wrong["rows before the head"] = sums_of(
            heads[0], heads[1][:, :, None], heads[2][:, None, :], alone)
        if len(batches) > 1:
            wrong["the head of all batches before all rows"] = add_embedding(head, ids, dy)
    return wrong
