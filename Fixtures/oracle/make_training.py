"""Makes the area "training": gradients, losses, updates and whole steps, bit for bit.

    python make_training.py        (pip install -r requirements-numpy.txt; Python 3.11)

Tiers as in make_kernels.py. The tiny models are written to training/, one folder each.
"""

import shutil

import cases_training_attention
import cases_training_layers
import cases_training_lora
import cases_training_products
import cases_training_steps
import cases_training_updates
import training_tiny_models
from golden import Pack

FLAGS = {
    "training": "Whole steps of training: forward, backward, update.",
    "accumulation": "Several batches make one optimiser step.",
}


def main():
    shutil.rmtree(training_tiny_models.AREA, ignore_errors=True)
    training_tiny_models.write_all()
    pack = Pack("training", "make_training.py")
    for cases in (cases_training_products, cases_training_layers, cases_training_attention,
                  cases_training_lora, cases_training_updates, cases_training_steps):
        cases.add_all(pack)
    pack.write(FLAGS)


if __name__ == "__main__":
    main()
