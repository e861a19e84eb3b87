"""Golden cases of causal attention. (Imported by make_kernels.py.)"""

import numpy as np

import attention
import contract
import functions
from cases_products import eighths, normal
from shortcuts import instead, wrong_dots

F32, F64 = np.float32, np.float64

# lengths, heads, kv heads, head_dim
ORDERED = [
    ([1], 1, 1, 4), ([2], 2, 1, 4), ([8], 4, 4, 16), ([7], 2, 1, 64), ([9], 2, 1, 80),
    ([7], 1, 1, 128), ([5], 1, 1, 130), ([33], 4, 2, 8), ([129], 1, 1, 4), ([300], 1, 1, 4),
    ([257], 1, 1, 2), ([3, 1, 130, 7], 2, 1, 4), ([1, 1, 1], 2, 2, 8), ([100, 70], 1, 1, 2),
    ([2, 8, 9], 8, 2, 6),
]  # fmt: skip


def add_all(pack):
    for lengths, heads, kv_heads, d in ORDERED:
        name = f"attention-{'-'.join(map(str, lengths))}-h{heads}-kv{kv_heads}-d{d}"
        rng, t = pack.rng(name), sum(lengths)
        q = normal(rng, t, heads, d, scale=1.5)
        k, v = normal(rng, t, kv_heads, d), normal(rng, t, kv_heads, d)
        comment = f"Sequences of {lengths}, {heads} heads on {kv_heads}, head_dim {d}."
        _add(pack, name, comment, q, k, v, lengths, ["ordered"], tries=_wrong(q, k, v, lengths))
    _add_exact(pack)
    _add_invisible(pack)
    _add_same_sequence_twice(pack)


def _add(pack, name, comment, q, k, v, lengths, flags, **checks):
    y = attention.attention(q, k, v, lengths)
    pack.add(name, "attention", comment, {"q": q, "k": k, "v": v}, {"y": y}, {"lengths": lengths},
             flags, **checks)


def _add_exact(pack):
    """Codes of +-1 as keys; a query is so large that its equals get all the weight."""
    for lengths, heads, kv_heads, d in [([9], 4, 2, 16), ([1, 17, 2], 2, 2, 16), ([8], 3, 1, 4)]:
        name = f"attention-exact-{'-'.join(map(str, lengths))}-h{heads}-kv{kv_heads}-d{d}"
        rng, t = pack.rng(name), sum(lengths)
        positions = np.concatenate([np.arange(n) for n in lengths])
        # Positions 2j and 2j + 1 share a code: a query for it finds one of them, or both (1/2).
        code = lambda j: ((j[..., None] // 2 >> np.arange(d)) & 1).astype(F32) * 2 - 1
        k = np.repeat(code(positions)[:, None], kv_heads, axis=1)
        wanted = rng.integers(0, positions[:, None] + 1, (t, heads))
        q, v = code(wanted) * F32(1024), eighths(rng, t, kv_heads, d)
        agrees = {what: instead(dot, lambda: attention.attention(q, k, v, lengths))
                  for what, dot in wrong_dots(max(d, *lengths)).items()}
        every = {what: y for what, y in _wrong(q, k, v, lengths).items() if what in REORDERINGS}
        _add(pack, name, "Every query finds one position, or two that share its weight.", q, k, v,
             lengths, ["exact"], agrees=agrees | every)


def _add_invisible(pack):
    rng = pack.rng("attention-invisible")
    q, k, v = (normal(rng, 9, heads, 4) for heads in (2, 1, 1))
    k[5, 0, 0], v[6, 0, 1], v[7, 0, :], q[8, 1, 2] = np.nan, np.inf, np.nan, -np.inf
    y = attention.attention(q, k, v, [9])
    assert np.isfinite(y[:5]).all() and np.isnan(y[5:]).all()
    masked = _wrong_masks(q, k, v)
    _add(pack, "attention-invisible", "NaN and inf at later positions do not reach earlier ones.",
         q, k, v, [9], ["special"], catches={"mask by multiplying with 0": masked})
    k = normal(rng, 9, 1, 4)
    v = normal(rng, 9, 1, 4)
    v[4:] = np.array([np.inf, -np.inf, np.nan, np.inf, 1], F32)[:, None, None]
    q = normal(rng, 9, 2, 4)
    _add(pack, "attention-invisible-next-sequence",
         "NaN and inf of a later sequence stay there; those of an earlier one do not come over.",
         q, k, v, [2, 2, 4, 1], ["special"])
    q, k, v = (normal(rng, 5, 1, 4) for _ in range(3))
    q[:, :, :], k[2, 0, :] = F32(1e20), F32(1e20)
    _add(pack, "attention-overflow", "A score overflows to inf: its row is NaN from there on.",
         q, k, v, [5], ["special"])
    k[2, 0, :] = F32(-1e20)
    k[0], k[1] = F32(1e-3), F32(1e-3)
    _add(pack, "attention-negative-infinity", "A score of -inf has the probability 0.", q, k, v,
         [5], ["special"])


def _add_same_sequence_twice(pack):
    rng = pack.rng("attention-same-sequence-twice")
    q, k, v = (normal(rng, 130, 1, 2) for _ in range(3))
    other = [normal(rng, 3, 1, 2) for _ in range(3)]
    q, k, v = (np.concatenate([a, o, a]) for a, o in zip((q, k, v), other))
    y = attention.attention(q, k, v, [130, 3, 130])
    assert np.array_equal(y[:130], y[133:])
    _add(pack, "attention-same-sequence-twice", "The place in the batch does not change a bit.",
         q, k, v, [130, 3, 130], ["ordered"],
         catches={"blocks counted from the batch's start": _wrong(q, k, v, [130, 3, 130])[
             "blocks counted from the batch's start"]})


REORDERINGS = ["scale on q first", "divided after weighting v", "score / sqrt(d)"]


def _wrong(q, k, v, lengths):
    d = q.shape[-1]
    f = F32(1 / np.sqrt(F64(d)))
    by_sequence = lambda one: np.concatenate(
        [one(*part) for part in _sequences(q, k, v, lengths)])
    wrong = {
        "scale on q first": by_sequence(lambda q, k, v: _attend(q * f, k, v, scale=None)),
        "score / sqrt(d)": by_sequence(
            lambda q, k, v: _attend(q, k, v, scale=lambda s: s / F32(np.sqrt(F64(d))))),
        "divided after weighting v": by_sequence(lambda q, k, v: _attend(q, k, v, late=True)),
        "no maximum subtracted": by_sequence(lambda q, k, v: _attend(q, k, v, maximum=False)),
        "running maximum, sums rescaled": by_sequence(_online),
        "binary64": by_sequence(_wide),
    }
    if d & (d - 1):
        wrong["f from a binary32 root"] = by_sequence(
            lambda q, k, v: _attend(q, k, v, scale=lambda s: s * (F32(1) / np.sqrt(F32(d)))))
    if d in (4, 16, 64):
        del wrong["scale on q first"], wrong["score / sqrt(d)"]  # f is a power of two
    if max(lengths) > 2:
        backwards = lambda q, k, v: _attend(q[::-1], k[::-1], v[::-1])[::-1]
        wrong["the mask upside down"] = by_sequence(backwards)
    if 1 < k.shape[1] < q.shape[1]:
        order = np.argsort(np.arange(q.shape[1]) % k.shape[1], kind="stable")
        permuted = attention.attention(q[:, order], k, v, lengths)
        wrong["kv head = head mod kv heads"] = permuted[:, np.argsort(order)]
    if len(lengths) > 1 and sum(lengths) > 128:
        wrong["blocks counted from the batch's start"] = _from_batch_start(q, k, v, lengths)
    names = ["one chain without blocks", "product rounded before the addition", "blocks of 64",
             "blocks of 256", "blocks summed last to first", "16 partial sums"]
    for what, dot in wrong_dots(max(d, *lengths), *names).items():
        wrong[what] = instead(dot, lambda: attention.attention(q, k, v, lengths))
    return wrong


def _sequences(q, k, v, lengths):
    start = 0
    for length in lengths:
        rows = slice(start, start + length)
        yield q[rows], k[rows], v[rows]
        start += length


def _attend(q, k, v, scale=1, maximum=True, late=False, offset=0):
    """`attention.attend` of a whole sequence with one step left out or moved."""
    count, heads, d = q.shape
    if scale == 1:
        scale = lambda s: s * F32(1 / np.sqrt(F64(d)))
    visible, y = 1 + np.arange(count), np.empty_like(q)
    exists = np.arange(count) < visible[:, None]
    pad = lambda a: np.concatenate([np.zeros((*a.shape[:-1], offset), F32), a], axis=-1)
    for head in range(heads):
        at = head // (heads // k.shape[1])
        s = contract.products(q[:, head], k[:, at])
        s = np.where(exists, s if scale is None else scale(s), F32(-np.inf))
        e = functions.exp(s - s.max(1, keepdims=True) if maximum else s)
        total = contract.dot(pad(e), np.ones(count + offset, F32))[:, None]
        with np.errstate(invalid="ignore"):
            p = e if late else e / total
        y[:, head] = contract.dot(pad(p)[:, None], pad(v[:, at].T)[None])
        y[:, head] = y[:, head] / total if late else y[:, head]
    return y


def _from_batch_start(q, k, v, lengths):
    starts = np.cumsum([0] + lengths[:-1])
    return np.concatenate([
        _attend(*part, offset=int(start))
        for part, start in zip(_sequences(q, k, v, lengths), starts)])


def _online(q, k, v):
    """One pass over the positions; what was summed is scaled when a larger score comes."""
    count, heads, d = q.shape
    f, y = F32(1 / np.sqrt(F64(d))), np.empty_like(q)
    for head in range(heads):
        at = head // (heads // k.shape[1])
        scores = contract.products(q[:, head], k[:, at]) * f
        m = np.full((count, 1), -np.inf, F32)
        total, weighted = np.zeros((count, 1), F32), np.zeros((count, d), F32)
        for j in range(count):
            seen = slice(j, None)
            s = scores[seen, j : j + 1]
            larger = np.maximum(m[seen], s)
            old, e = functions.exp(m[seen] - larger), functions.exp(s - larger)
            total[seen] = total[seen] * old + e
            weighted[seen] = contract.fma32(e, v[j, at][None], weighted[seen] * old)
            m[seen] = larger
        y[:, head] = weighted / total
    return y


def _wide(q, k, v):
    count, heads, d = q.shape
    k, v = (np.repeat(a, heads // k.shape[1], axis=1).astype(F64) for a in (k, v))
    s = np.einsum("thd,shd->hts", q.astype(F64), k) / np.sqrt(d)
    s = np.where(np.tril(np.ones((count, count), bool)), s, -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    return np.einsum("hts,shd->thd", p / p.sum(-1, keepdims=True), v).astype(F32)


def _wrong_masks(q, k, v):
    """Probabilities of later positions set to 0, and all positions summed all the same."""
    y = np.empty_like(q)
    visible = 1 + np.arange(len(q))
    for head in range(q.shape[1]):
        p = contract.softmax(contract.products(q[:, head], k[:, 0]) * F32(0.5), visible)
        y[:, head] = contract.dot(p[:, None], v[:, 0].T[None])
    return y
