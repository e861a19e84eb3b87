"""Makes the area "training": gradients, losses, updates and whole steps, bit for bit.

    python make_training.py        (pip install -r requirements-numpy.txt; Python 3.11)

Tiers as in make_kernels.py. The tiny models are written to training/, one folder each.
"""

import shutil

import cases_training_steps
import training_tiny_models
from golden import Pack

FLAGS = {
    "training": "Steps of training: forward, backward, update.",
}


def main():
    shutil.rmtree(training_tiny_models.AREA, ignore_errors=True)
    training_tiny_models.write_all()
    pack = Pack("training", "make_training.py")
    cases_training_steps.add_all(pack)
    pack.write(FLAGS)


if __name__ == "__main__":
    main()
