"""Tests of what is stored of posts besides their metrics."""
