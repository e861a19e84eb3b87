"""Generation. (pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- The sequence never grows beyond max_position_embeddings tokens, prompt included: the token that
  fills the last position is returned and the reason is "length".
- A token that is EOS ends with "eos" even if it is also the last one allowed.
- n-gram block of size n: a token is barred if it would complete an n-gram that already stands in
  prompt + generated; nothing is barred while fewer than n - 1 tokens stand there; n = 1 bars
  every token that stands there. Barred means a logit of -inf.
- Ties of the largest logit: the lowest id.
"""

import numpy as np


def barred(ids, n):
    """The tokens that would repeat an n-gram of `ids`."""
    if n < 1 or len(ids) < n:
        return set()
    tail = ids[len(ids) - n + 1 :]
    return {ids[i + n - 1] for i in range(len(ids) - n + 1) if ids[i : i + n - 1] == tail}


def generate(model, prompt, max_new_tokens, eos=(), no_repeat_ngram_size=0, choose=None):
    """(new ids, "eos" | "length", the logits of every step).

    `choose(logits, ids, step)` gives the next id; by default the largest logit, after the block.
    """
    ids, cache, steps = list(prompt), {}, []
    fed = 0
    while len(ids) - len(prompt) < max_new_tokens and len(ids) < model.config.max_positions:
        logits = model.forward(ids[fed:], cache, last_only=True)[-1].copy()
        fed = len(ids)
        steps.append(logits)
        if choose:
            ids.append(choose(logits, ids, len(steps) - 1))
        else:
            allowed = logits.copy()
            allowed[sorted(barred(ids, no_repeat_ngram_size))] = -np.inf
            ids.append(int(np.argmax(allowed)))  # the first of equal ones
        if ids[-1] in eos:
            return ids[len(prompt) :], "eos", steps
    return ids[len(prompt) :], "length", steps
