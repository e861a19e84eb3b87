"""The binary32 numbers nearest to exp, log, sin, cos and pow, by mpmath at growing precision.

(pip install -r requirements-math.txt, or -numpy.txt; imported, not run.)
"""

import math
import struct
from fractions import Fraction

import mpmath

# libmp's functions round one result at the precision asked for and need no global state.
ONE_ARGUMENT = {
    "exp": mpmath.libmp.mpf_exp,
    "log": mpmath.libmp.mpf_log,
    "sin": mpmath.libmp.mpf_sin,
    "cos": mpmath.libmp.mpf_cos,
}
INFINITY, NAN, SIGN = 0x7F800000, 0x7FC00000, 0x80000000


def bits(value):
    return struct.unpack("<I", struct.pack("<f", value))[0]


def value(pattern):
    return struct.unpack("<f", struct.pack("<I", pattern))[0]


def truth(function, x, y=None):
    """The bits of the correctly rounded result; x and y are binary32 numbers held by floats."""
    return _pow(x, y) if function == "pow" else _one_argument(function, x)


def _one_argument(function, x):
    if math.isnan(x):
        return NAN
    if function == "exp":
        if abs(x) > 110:  # e^110 > 2^158, e^-110 < 2^-158
            return INFINITY if x > 0 else 0
        if x == 0:
            return bits(1.0)
    elif function == "log":
        if x <= 0 or x == math.inf:
            return SIGN | INFINITY if x == 0 else INFINITY if x > 0 else NAN
        if x == 1:
            return 0
    elif math.isinf(x):
        return NAN
    elif x == 0:
        return bits(x) if function == "sin" else bits(1.0)
    # Everything else is irrational (Lindemann and Weierstrass): some precision decides.
    precision = 80
    while True:
        result = ONE_ARGUMENT[function](mpmath.libmp.from_float(x), precision, "n")
        pattern, is_certain, _ = _nearest(result, precision)
        if is_certain:
            return pattern
        precision *= 2


def _pow(x, y):
    # The special cases of C99 are written out: NumPy's power takes a square root for y = 0.5,
    # which gives -0 for -0 and NaN for -inf.
    if x == 1 or y == 0:
        return bits(1.0)
    if math.isnan(x) or math.isnan(y):
        return NAN
    if math.isinf(y):
        return bits(1.0) if x == -1 else INFINITY if (abs(x) > 1) == (y > 0) else 0
    sign = SIGN if math.copysign(1, x) < 0 and y == int(y) and int(y) % 2 else 0
    if x == 0 or math.isinf(x):
        return sign | (INFINITY if (x == 0) == (y < 0) else 0)
    if x < 0 and y != int(y):
        return NAN
    x = abs(x)
    if x == 1:
        return sign | bits(1.0)
    rough = y * math.log2(x)
    if abs(rough) > 200:
        return sign | (INFINITY if rough > 0 else 0)
    exact = _exact_power(x, y)
    precision = 80
    while True:
        logarithm = mpmath.libmp.mpf_log(mpmath.libmp.from_float(x), precision + 60, "n")
        product = mpmath.libmp.mpf_mul(logarithm, mpmath.libmp.from_float(y))
        result = mpmath.libmp.mpf_exp(product, precision, "n")
        pattern, is_certain, midpoint = _nearest(result, precision)
        if is_certain:
            return sign | pattern
        if exact is not None and exact == midpoint:
            even = pattern if pattern % 2 == 0 else _other_side(pattern, midpoint)
            return sign | even
        precision *= 2


def _exact_power(x, y):
    """x^y as a fraction if it is rational and short, else None."""
    x, y = Fraction(x), Fraction(y)
    for _ in range(y.denominator.bit_length() - 1):
        numerator, denominator = math.isqrt(x.numerator), math.isqrt(x.denominator)
        if numerator**2 != x.numerator or denominator**2 != x.denominator:
            return None
        x = Fraction(numerator, denominator)
    is_power_of_two = x.numerator & (x.numerator - 1) == 0 and x.denominator & (x.denominator - 1) == 0
    if abs(y.numerator) > 64 and not (is_power_of_two and abs(y.numerator) < 1024):
        return None  # more than 25 bits
    return x**y.numerator


def _other_side(pattern, midpoint):
    below = Fraction(value(pattern)) < midpoint if pattern < INFINITY else False
    return pattern + 1 if below else pattern - 1


def _nearest(number, precision):
    """(bits of the nearest binary32 number, whether `number` is far enough from a midpoint for
    its error, the midpoint in question as a fraction)."""
    sign, mantissa, exponent, length = number
    # A result with trailing zeros is no more certain for that: give all the same length.
    missing = max(0, precision + 8 - length)
    mantissa, exponent = int(mantissa) << missing, exponent - missing
    quantum = max(exponent + length + missing - 24, -149)
    shift = quantum - exponent
    count, rest, half = mantissa >> shift, mantissa & ((1 << shift) - 1), 1 << (shift - 1)
    # The result is off by less than 2^(4 - precision) of itself.
    margin = (mantissa >> (precision - 4)) + 1
    midpoint = Fraction(2 * count + 1) * Fraction(2) ** (quantum - 1)
    rounded = count + (rest > half)
    # Adding the count carries into the exponent field at 2^24; past the largest number it overflows.
    pattern = min((quantum + 149 << 23) + rounded, INFINITY)
    return (SIGN if sign else 0) | pattern, abs(rest - half) > margin, midpoint
