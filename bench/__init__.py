"""Measurements against peers, as ratios inside one interleaved run. Never part of the tests: machines are shared and noisy."""
