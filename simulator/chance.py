"""Stateless random numbers: the same integers give the same numbers in every process and Python version."""

from hashlib import blake2b
from math import exp, log, sqrt
from struct import Struct

PLACES = 16
"""How many numbers one draw has."""

_WORDS = tuple(Struct(f"<{count}q") for count in range(8))
_NUMBERS = Struct(f"<{PLACES}I")
ONE = 2.0**-32
"""Factor that maps a number of 32 bits to `[0, 1)`."""

_ROOT = sqrt(3)


def draw(*words: int) -> tuple[int, ...]:
    """Return sixteen well-mixed numbers of 32 bits for some integers; a draw costs one hash."""
    return _NUMBERS.unpack(blake2b(_WORDS[len(words)].pack(*words)).digest())


def share(number: int) -> float:
    """Return a number of a draw, scaled to `[0, 1)`."""
    return number * ONE


def unit(*words: int) -> float:
    """Return a number in `[0, 1)`."""
    return draw(*words)[0] * ONE


def between(low: float, high: float, *words: int) -> float:
    """Return a number in `[low, high)`."""
    return low + (high - low) * unit(*words)


def lognormal(sigma: float, share: float) -> float:
    """Return a positive number with median 1 and a long tail; a logistic curve approximates the normal one."""
    share = min(max(share, 1e-9), 1 - 1e-9)
    return exp(sigma * log(share / (1 - share)) * _ROOT / 3.1416)


def smooth(position: float, *words: int) -> float:
    """Return noise in `[-1, 1)`, interpolated linearly between whole positions."""
    whole = int(position // 1)
    page, place = divmod(whole, PLACES)
    numbers = draw(page, *words)
    after = numbers[place + 1] if place + 1 < PLACES else draw(page + 1, *words)[0]
    low, high = 2 * numbers[place] * ONE - 1, 2 * after * ONE - 1
    return low + (high - low) * (position - whole)
