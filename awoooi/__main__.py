"""`python -m awoooi`: how `awoooi up` starts its children."""

from awoooi.cli import main

if __name__ == "__main__":
    main()
