"""`python -m tasks.cli` is `sentimill`, for launchers that want a module."""

from tasks.cli.main import main

if __name__ == "__main__":
    main()
