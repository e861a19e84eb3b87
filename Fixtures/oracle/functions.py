"""exp, log, sin, cos and pow, correctly rounded to binary32.

The double result of the C library decides wherever it is certain: when every number within a
relative 2^-45 of it rounds to the same binary32 number. Where it is not, mpmath decides.
(pip install -r requirements-numpy.txt; imported, not run.)
"""

import math
from fractions import Fraction

import mpmath
import numpy as np

DOUBT = 2.0**-45


def exp(x):
    return _rounded(_library(math.exp, math.inf), mpmath.exp, x)


def log(x):
    return _rounded(_library(math.log, -math.inf), mpmath.log, x)


def sin(x):
    return _rounded(_library(math.sin, math.nan), mpmath.sin, x)


def cos(x):
    return _rounded(_library(math.cos, math.nan), mpmath.cos, x)


def pow(x, exponent):
    x, exponent = np.broadcast_arrays(np.float32(x), np.float32(exponent))
    return _rounded(_power, mpmath.power, x, exponent)


def round_to_float32(value: Fraction) -> np.float32:
    """The binary32 number nearest to `value`, ties to even; subnormals and overflow included."""
    if value == 0:
        return np.float32(0)
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    if abs(value) < Fraction(2) ** exponent:
        exponent -= 1
    quantum = Fraction(2) ** max(exponent - 23, -149)
    nearest = round(value / quantum) * quantum  # Fraction rounds half to even
    if abs(nearest) >= 2**128:
        return np.float32(math.copysign(math.inf, value))
    return np.float32(float(nearest))


def _library(function, at_pole):
    def call(x):
        try:
            return function(x)
        except OverflowError:
            return math.inf  # exp of a large argument
        except ValueError:
            return at_pole if x == 0 else math.nan  # log(0), log(-1), sin(inf)

    return call


def _power(x, exponent):
    """C's pow; NumPy's takes a square root for 0.5, which gives -0 for -0 and NaN for -inf."""
    is_odd = exponent % 2 == 1
    try:
        return math.pow(x, exponent)
    except OverflowError:
        return -math.inf if x < 0 and is_odd else math.inf
    except ValueError:  # a negative power of 0, or a negative number to one that is no integer
        if x == 0:
            return math.copysign(math.inf, x) if is_odd else math.inf
        return math.nan


def _rounded(library, precise, *arguments):
    arguments = [np.asarray(a, np.float32) for a in arguments]
    rows = list(zip(*[a.ravel().tolist() for a in arguments]))
    doubles = np.array([library(*row) for row in rows], np.float64)
    with np.errstate(all="ignore"):
        low = (doubles * (1 - DOUBT)).astype(np.float32)
        high = (doubles * (1 + DOUBT)).astype(np.float32)
    for index in np.flatnonzero((low != high) & np.isfinite(doubles)):
        low[index] = _decide(precise, rows[index])
    return low.reshape(arguments[0].shape)


def _decide(precise, row):
    with mpmath.workprec(400):
        value = mpmath.mpf(precise(*[mpmath.mpf(v) for v in row]))
        sign, mantissa, exponent, _ = value._mpf_
        exact = Fraction(int(mantissa)) * Fraction(2) ** exponent
        return round_to_float32(-exact if sign else exact)
