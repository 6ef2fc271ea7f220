"""`python -m casecnn` is the `casecnn` command."""

import sys

from casecnn.cli import main

if __name__ == "__main__":
    sys.exit(main())
