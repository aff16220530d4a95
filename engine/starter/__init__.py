"""The offline starter: an invented archipelago, a tokenizer and a tiny model that learn it, and the story of the demo.

`recipe` holds the numbers, `grammar` and `corpus` the world in words, `tokenizer` and `model` what reads it, `story` tells
the whole. Everything follows from a recipe and its seed; nothing is downloaded.
"""
