"""The command line. stdout is data, stderr is narration, the exit code says how it went; only this package speaks rich."""

from engine.cli.app import main

__all__ = ["main"]
