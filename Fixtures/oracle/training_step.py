"""One optimiser step: losses and gradients of one batch or several, one after the other.

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- The sum of gate losses runs over layer, module, row of a batch as one index: blocks of 128 do not
  begin anew with a module.
- The gate loss is part of training gates, with and without adapters; an adapter alone and a base
  have the language loss alone.
"""

from dataclasses import dataclass

import numpy as np

import training_losses
import training_model
import training_sums
from training_parameters import Totals

F32 = np.float32


@dataclass
class Batch:
    """Of every sequence: ids; whether a token is one to predict; the adapter it belongs to."""

    ids: list
    counts: list
    owners: list  # -1: not known

    @property
    def lengths(self):
        return [len(ids) for ids in self.ids]

    @property
    def labelled(self):
        """Rows whose next token counts, ascending."""
        return np.flatnonzero(training_losses.next_of(self.counts) == 1)

    @property
    def gate_labels(self):
        """[T]; -1 where a row has none."""
        return training_losses.next_of(self.owners)


@dataclass
class Result:
    language_loss: np.float32
    gate_loss: np.float32 | None  # None without gates
    loss: np.float32
    gradients: dict
    tapes: list  # what the forward pass recorded, per batch


def run(model, batches, trained, beta):
    """`trained` maps names to arrays; their gradients come out under the same names."""
    routing = training_model.routing_modules(model)
    count = sum(len(batch.labelled) for batch in batches)
    gate_count = sum(int((batch.gate_labels >= 0).sum()) for batch in batches) * len(routing)
    scale = training_losses.language_scale(count)
    gate_scale = training_losses.gate_scale(beta, gate_count) if routing else None

    totals, language, gate, tapes = Totals(trained), F32(0), F32(0), []
    for batch in batches:
        tape = training_model.forward(model, batch.ids)
        rows, next_ids = batch.labelled, training_losses.next_of(batch.ids)
        losses, dlogits = training_losses.cross_entropy(
            tape["logits"][rows], next_ids[rows], scale)
        language = training_sums.add_values(language, losses)
        gate_losses, gate_gradients = _gates(tape, batch.gate_labels, routing, gate_scale)
        gate = training_sums.add_values(gate, gate_losses)
        backward = training_model.Backward(model, tape, batch.lengths, totals, gate_gradients)
        backward.run(np.concatenate(batch.ids), rows, dlogits)
        tapes.append(tape)

    language = training_losses.mean(language, count)
    if not routing:
        return Result(language, None, language, totals.gradients, tapes)
    gate = training_losses.mean(gate, gate_count)
    loss = training_losses.whole(language, gate, beta)
    return Result(language, gate, loss, totals.gradients, tapes)


def _gates(tape, labels, routing, scale):
    """Losses by layer, module, row; and by (layer, module) the gradient [T, L]."""
    rows, losses, gradients = np.flatnonzero(labels >= 0), [np.zeros(0, F32)], {}
    for layer, module in routing:
        logits = tape[f"layers.{layer}.{module}.gate_logits"]
        gradient = np.zeros_like(logits)
        each, gradient[rows] = training_losses.cross_entropy(logits[rows], labels[rows], scale)
        losses.append(each)
        gradients[layer, module] = gradient
    return np.concatenate(losses), gradients
