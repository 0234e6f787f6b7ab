"""Chance without state: the same words give the same number, in every process and on every version of Python."""

from math import exp, log, sqrt

_MASK = (1 << 64) - 1
_START = 0x9E3779B97F4A7C15


def mix(*words: int) -> int:
    """Return 64 well-mixed bits of some integers (the finalizer of splitmix64 over each)."""
    return after(_START, *words)


def after(state: int, *words: int) -> int:
    """Go on from the bits of the words before: `after(mix(a), b) == mix(a, b)`."""
    for word in words:
        state = (state + word * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


def unit(*words: int) -> float:
    """Return a number in `[0, 1)`."""
    return mix(*words) / 2**64


def unit_after(state: int, *words: int) -> float:
    """Return `unit` of the words behind a state and these."""
    return after(state, *words) / 2**64


def between(low: float, high: float, *words: int) -> float:
    """Return a number in `[low, high)`."""
    return low + (high - low) * unit(*words)


def lognormal(sigma: float, *words: int) -> float:
    """Return a positive number with median 1 and a long tail: a logistic curve stands in for the normal one."""
    share = min(max(unit(*words), 1e-9), 1 - 1e-9)
    return exp(sigma * log(share / (1 - share)) * sqrt(3) / 3.1416)


def smooth(position: float, *words: int) -> float:
    """Return noise in `[-1, 1)` that moves in straight lines between whole positions."""
    whole = int(position // 1)
    low, high = (2 * unit(whole + step, *words) - 1 for step in (0, 1))
    return low + (high - low) * (position - whole)
