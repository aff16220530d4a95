"""Luthier's engine: everything that reads data, makes tokens, trains and measures.

Two halves. The light one (`config`, `runs`, `errors`, `text`) starts in milliseconds and is what the TUI
imports; the heavy one (`data`, `templates`, `tokens`, `train`, `evaluate`, `starter`) lives in processes of its own.
"""

__version__ = "0.1.0"
