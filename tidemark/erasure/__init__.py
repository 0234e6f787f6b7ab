"""Erasure of an account or workspace: from the stores, and from exports, logs and Dagster's storage."""

from tidemark.erasure.finish import finish
from tidemark.erasure.traces import Traces, erase_traces

__all__ = ["Traces", "erase_traces", "finish"]
