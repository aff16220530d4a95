"""Training: the worker and its loop. With `evaluate` and `starter` the only part that imports torch."""
