"""`make bench`: chart and journal, one line each. The last column says how many times faster ours is."""

from __future__ import annotations

from bench import chart, journal


def main() -> None:
    """Run both."""
    for measurement in (chart, journal):
        measurement.main()


if __name__ == "__main__":
    main()
