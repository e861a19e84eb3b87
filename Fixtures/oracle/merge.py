"""An adapter added to the base's weights: W' = W + s * dot(B, A), nothing fused, in binary32.

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- dot(B, A) is a dot product of the contract over the rank; then one rounding of the product with s,
  one of the sum.
- In another type W' is rounded once more, to nearest even.
"""

import contract
import tensors
from llama import BLOCKS


def merged(weight, a, b, scaling):
    """weight [out, in], a [r, in], b [out, r], all binary32."""
    return weight + scaling * contract.products(b, a.T)


def rounded(values, dtype):
    """The values that are stored if `values` are rounded to `dtype`."""
    return tensors.store(values, dtype).f32


def merged_model(model, adapter):
    for (layer, module), (a, b) in adapter.pairs.items():
        name = f"model.layers.{layer}.{BLOCKS[module]}.{module}.weight"
        model.weights[name] = merged(
            model.weights[name], a, b, adapter.scalings[layer, module])
    return model
