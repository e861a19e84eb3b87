"""Executes the operation "training_steps" from the parameters of a case.

Paths in the parameters are relative to Fixtures/golden. `lengths` holds, for every step and every
batch of it, the lengths of the batch's sequences; the arrays have their tokens one after the other.
(pip install -r requirements-numpy.txt; imported, not run.)
"""

import numpy as np

import run_model
import training_norm
import training_step
from training_adamw import AdamW
from training_parameters import Parameters
from training_schedule import learning_rate
from training_step import Batch


def cut(lengths, ids, counts, owners):
    """[[Batch]]: of every step, its batches."""
    start, steps = 0, []
    for step in lengths:
        steps.append([])
        for batch in step:
            borders = np.cumsum([start] + batch)
            parts = lambda values: [
                values[first:end] for first, end in zip(borders[:-1], borders[1:])]
            steps[-1].append(Batch(parts(ids), parts(counts), parts(owners)))
            start = borders[-1]
    assert start == len(ids) == len(counts) == len(owners)
    return steps


def open_model(parameters):
    """The model and the view of its trained tensors."""
    model = run_model.open_model(parameters)
    names = [name for name, _ in run_model.named_adapters(parameters)]
    if hasattr(model.linears, "gates"):
        model.linears.names = names
    return model, Parameters(model, parameters["trained"], names)


def steps(parameters, ids, counts, owners):
    """Yields for each step the result of `training_step.run`, norm, learning rate, new weights."""
    model, view = open_model(parameters)
    adamw = AdamW(*(parameters[name] for name in ("beta1", "beta2", "eps", "weight_decay")))
    for step, batches in enumerate(cut(parameters["lengths"], ids, counts, owners)):
        weights = view.values()
        result = training_step.run(model, batches, weights, parameters.get("beta"))
        norm = training_norm.norm_of(result.gradients)
        gradients = training_norm.clipped(result.gradients, norm, parameters["max_norm"])
        rate = learning_rate(
            parameters["schedule"], parameters["learning_rate"], parameters["warmup_ratio"], step,
            parameters["total_steps"])
        view.replace(adamw.update(weights, gradients, rate))
        yield result, norm, rate, view.values()
