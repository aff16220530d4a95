"""`make bench`: all measurements, one line each. The last column says how many times faster ours is."""

from __future__ import annotations

from bench import chart, journal, tokens


def main() -> None:
    """Run them all."""
    for measurement in (chart, tokens, journal):
        measurement.main()


if __name__ == "__main__":
    main()
