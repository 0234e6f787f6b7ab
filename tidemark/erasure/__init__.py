"""Erasing what lies outside of the stores: exports, logs, Dagster's storage."""

from tidemark.erasure.traces import Traces, erase_traces

__all__ = ["Traces", "erase_traces"]
