"""Starts the program."""

import sys


def start() -> None:
    """The entry point. Ctrl+C while Python still reads the program is no traceback."""
    try:
        from cli.main import main  # noqa: PLC0415  # what takes the time
    except KeyboardInterrupt:
        sys.exit(130)
    main()


if __name__ == "__main__":
    start()
