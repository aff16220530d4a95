"""Runs: the directory of a run is the interface between the worker and everybody else.

`events` is the vocabulary, `journal` the file, `view` the meaning, `store` the runs on disk, `lock` liveness,
`commands` the way back, `launcher` the start. Light: no machine-learning library is imported here.
"""
