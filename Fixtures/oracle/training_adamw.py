"""AdamW: the single-tensor form of torch, nothing fused.

(pip install -r requirements-numpy.txt; imported, not run.)

Readings chosen where the contract leaves a choice:
- eps is rounded to binary32.
- The learning rate of the t-th update (t from 1) is that of step t - 1 of the schedule.
- Every trained tensor is updated, also one whose gradient is +0 throughout.
"""

import math
from dataclasses import dataclass, field

import numpy as np

F32 = np.float32


@dataclass
class AdamW:
    beta1: float
    beta2: float
    eps: float
    weight_decay: float
    first: dict = field(default_factory=dict)
    second: dict = field(default_factory=dict)
    power1: float = 1.0  # beta1^t: one factor after the other
    power2: float = 1.0

    def update(self, weights, gradients, rate):
        """Weights after one more step. Both map names to arrays; `rate` is binary64."""
        self.power1, self.power2 = self.power1 * self.beta1, self.power2 * self.beta2
        a1, b2, a2 = F32(1 - self.beta1), F32(self.beta2), F32(1 - self.beta2)
        size = F32(-(rate / (1 - self.power1)))
        root = F32(math.sqrt(1 - self.power2))
        updated = {}
        for name, p in weights.items():
            g, zeros = gradients[name], np.zeros_like(p)
            m, v = self.first.get(name, zeros), self.second.get(name, zeros)
            if p.ndim > 1:
                p = p * F32(1 - rate * self.weight_decay)
            m = m + a1 * (g - m)
            v = v * b2 + (a2 * g) * g
            d = np.sqrt(v) / root + F32(self.eps)
            updated[name] = p + (size * m) / d
            self.first[name], self.second[name] = m, v
        return updated
