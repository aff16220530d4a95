"""`python -m engine VERB …`: the headless commands, without the TUI in the process."""

from engine.cli import main

if __name__ == "__main__":
    main()
