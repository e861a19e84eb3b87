"""Golden cases of the gradients of causal attention. (Imported by make_training.py.)"""

import numpy as np

import attention
import contract
import training_attention
from cases_products import eighths, normal
from shortcuts import instead, wrong_dots

F32 = np.float32

# lengths, heads, kv heads, head_dim
ORDERED = [
    ([1], 1, 1, 4), ([5], 4, 4, 6), ([127], 1, 1, 2), ([128], 2, 2, 2), ([129], 2, 1, 4),
    ([200], 2, 1, 2), ([5, 1, 9], 6, 2, 8), ([70, 66], 2, 1, 4), ([43], 6, 2, 4), ([3], 2, 1, 130),
]  # fmt: skip


def add_all(pack):
    for lengths, heads, kv_heads, d in ORDERED:
        name = f"attention-{'-'.join(map(str, lengths))}-h{heads}-kv{kv_heads}-d{d}"
        rng, t = pack.rng(name), sum(lengths)
        q, dy = normal(rng, t, heads, d, scale=1.5), normal(rng, t, heads, d)
        k, v = normal(rng, t, kv_heads, d), normal(rng, t, kv_heads, d)
        run = lambda: gradients(q, k, v, dy, lengths)
        longest = max(d, max(lengths) * heads // kv_heads)
        names = ["one chain without blocks", "product rounded before the addition", "blocks of 64",
                 "blocks of 256", "blocks summed last to first", "16 partial sums",
                 "sum in binary64"]  # fmt: skip
        tries = {what: instead(dot, run) for what, dot in wrong_dots(longest, *names).items()}
        comment = f"Sequences of {lengths}, {heads} heads on {kv_heads}, head_dim {d}."
        _add(pack, name, comment, q, k, v, dy, lengths, ["ordered"],
             tries=tries | _wrong(q, k, v, dy, lengths))
    _add_exact(pack)
    _add_same_sequence_twice(pack)


def gradients(q, k, v, dy, lengths):
    return dict(zip(("dq", "dk", "dv"), training_attention.gradients(q, k, v, dy, lengths)))


def _add(pack, name, comment, q, k, v, dy, lengths, flags, **checks):
    pack.add(name, "attention_gradient", comment, {"q": q, "k": k, "v": v, "dy": dy},
             gradients(q, k, v, dy, lengths), {"lengths": lengths}, flags, file="attention",
             **checks)


def _add_exact(pack):
    """Codes of +-1 as keys, as in cases_attention.py: a query finds one position, or shares two."""
    for lengths, heads, kv_heads, d in [([9], 4, 2, 16), ([1, 17, 2], 2, 2, 16), ([8], 3, 1, 4)]:
        name = f"attention-exact-{'-'.join(map(str, lengths))}-h{heads}-kv{kv_heads}-d{d}"
        rng, t = pack.rng(name), sum(lengths)
        positions = np.concatenate([np.arange(n) for n in lengths])
        code = lambda j: ((j[..., None] // 2 >> np.arange(d)) & 1).astype(F32) * 2 - 1
        k = np.repeat(code(positions)[:, None], kv_heads, axis=1)
        wanted = rng.integers(0, positions[:, None] + 1, (t, heads))
        q, v, dy = code(wanted) * F32(1024), eighths(rng, t, kv_heads, d), eighths(rng, t, heads, d)
        # Positions that share a code differ in an element that no query looks at: dq is not 0.
        q[..., -1], k[..., -1] = 0, eighths(rng, t, kv_heads)
        run = lambda: gradients(q, k, v, dy, lengths)
        assert np.any(run()["dq"]) and np.any(run()["dk"])
        _add(pack, name, "Every query finds one position, or two that share its weight.", q, k, v,
             dy, lengths, ["exact"],
             agrees={what: instead(dot, run) for what, dot in wrong_dots(64).items()})


def _add_same_sequence_twice(pack):
    rng = pack.rng("attention-same-sequence-twice")
    parts = [(normal(rng, 70, 2, 2), normal(rng, 70, 1, 2), normal(rng, 70, 1, 2),
              normal(rng, 70, 2, 2)), tuple(normal(rng, 3, heads, 2) for heads in (2, 1, 1, 2))]
    q, k, v, dy = (np.concatenate([a, b, a]) for a, b in zip(*parts))
    outputs = gradients(q, k, v, dy, [70, 3, 70])
    assert all(np.array_equal(each[:70], each[73:]) for each in outputs.values())
    _add(pack, "attention-same-sequence-twice", "The place in the batch does not change a bit.", q,
         k, v, dy, [70, 3, 70], ["ordered"])


def _wrong(q, k, v, dy, lengths):
    """dq, dk and dv as they come out when a step is moved or merged."""
    count, group = max(lengths), q.shape[1] // k.shape[1]
    variants = {
        "t as dot(dy, y)": _one(t_from_output=True),
        "P * dP - P * t": _one(apart=True),
        "f on the sums": _one(late=True),
    }
    if group > 1:
        variants["dk and dv summed per head"] = _one(per_head=True)
        variants["index p * group + h"] = _one(by_position=True)
    if group > 2:
        variants["heads of a group in descending order"] = _one(descending=True)
    if len(lengths) == 1 and count > 2:
        variants["every position sees j"] = _one(all_see=True)
    wrong = {}
    for what, one in variants.items():
        parts, start = [], 0
        for length in lengths:
            rows = slice(start, start + length)
            parts.append(one(q[rows], k[rows], v[rows], dy[rows]))
            start += length
        wrong[what] = dict(zip(("dq", "dk", "dv"), map(np.concatenate, zip(*parts))))
    return wrong


def _one(t_from_output=False, apart=False, late=False, per_head=False, by_position=False,
         descending=False, all_see=False):
    def gradient(q, k, v, dy):
        count, heads, d = q.shape
        group, visible = heads // k.shape[1], 1 + np.arange(count)
        exists = np.arange(count) < visible[:, None]
        f = F32(1 / np.sqrt(np.float64(d)))
        y = attention.attend(q, k, v, 0)
        dq, dk, dv = np.empty_like(q), np.empty_like(k), np.empty_like(v)
        for at in range(k.shape[1]):
            probabilities, scores = [], []
            members = range(at * group, (at + 1) * group)
            members = list(reversed(members)) if descending else list(members)
            for head in members:
                p = contract.softmax(contract.products(q[:, head], k[:, at]) * f, visible)
                dp = contract.products(dy[:, head], v[:, at])
                t = contract.dot(p, dp, visible)
                if t_from_output:
                    t = contract.dot(dy[:, head], y[:, head])
                t = t[:, None]
                ds = p * dp - p * t if apart else p * (dp - t)
                ds = np.where(exists, ds if late else ds * f, F32(0))
                dq[:, head] = contract.dot(ds[:, None], k[:, at].T[None], visible[:, None])
                dq[:, head] *= f if late else F32(1)
                probabilities.append(np.full_like(p, F32(1) / F32(count)) if all_see else p)
                scores.append(ds)
            queries, seen = ([each[:, head] for head in members] for each in (q, dy))
            dk[:, at] = over(scores, queries) * (f if late else F32(1))
            dv[:, at] = over(probabilities, seen)
        return dq, dk, dv

    def over(factors, vectors):
        if per_head:
            return sum((training_attention.over_queries([a], [b])
                        for a, b in zip(factors, vectors)), F32(0))
        if all_see:
            a, b = np.concatenate(factors).T, np.concatenate(vectors).T
            return contract.dot(a[:, None, :], b[None, :, :])
        if by_position:
            weave = lambda parts: np.stack(parts, axis=1).reshape(-1, parts[0].shape[1])
            return contract.dot(weave(factors).T[:, None, :], weave(vectors).T[None, :, :])
        return training_attention.over_queries(factors, vectors)

    return gradient
