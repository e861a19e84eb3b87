"""Makes the golden cases of the area "kernels": one operation each, bit for bit.

    python make_kernels.py        (pip install -r requirements-numpy.txt; Python 3.11)

Two tiers. *exact*: inputs are small multiples of powers of two, every sum is exact, so the script
asserts that other orders and fusings give the same bits. *ordered*: ordinary values; the script
asserts that each wrong implementation that a case's comment names gives other bits.
"""

import cases_attention
import cases_layers
import cases_lora
import cases_products
import cases_routing
from golden import Pack

FLAGS = {
    "exact": "Every sum is exact in binary32: any order and any fusing gives the same bits.",
    "ordered": "Ordinary values: pins the order, the rounding and the fusing of the contract.",
    "tie": "Equal values compete; the lower index wins.",
    "special": "NaN, infinities, signed zeros, subnormals or overflow.",
    "shapes": "Sizes just below, at and above the borders of blocks and tiles.",
    "dtype": "Weights stored in bfloat16 or binary16.",
}


def main():
    pack = Pack("kernels", "make_kernels.py")
    cases_products.add_dots(pack)
    cases_products.add_linears(pack)
    cases_layers.add_all(pack)
    cases_attention.add_all(pack)
    cases_routing.add_all(pack)
    cases_lora.add_all(pack)
    pack.write(FLAGS)


if __name__ == "__main__":
    main()
