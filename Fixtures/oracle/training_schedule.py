"""The learning rate of a step: warm-up, then constant, linear or cosine, in binary64.

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- ratio * N is rounded to binary64 before it is rounded up: 0.07 * 100 gives 8 steps.
- pi is the binary64 number; pi * (...) is rounded to binary64, then to binary32.
"""

import math

import numpy as np

import functions


def warm_up_steps(ratio, total):
    return math.ceil(ratio * total)


def learning_rate(schedule, rate, ratio, step, total):
    """`step` counts from 0."""
    warm_up = warm_up_steps(ratio, total)
    if step < warm_up:
        return rate * (step / warm_up)
    if schedule == "constant":
        return rate
    if schedule == "linear":
        return rate * ((total - step) / (total - warm_up))
    assert schedule == "cosine", schedule
    x = np.float32(math.pi * ((step - warm_up) / (total - warm_up)))
    return rate * (0.5 * (1 + float(functions.cos(x))))
