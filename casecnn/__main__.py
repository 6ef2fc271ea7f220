"""`python -m casecnn` is the `casecnn` command.

Run from the root of a checkout, Python takes this folder for the package even where casecnn is installed; the
applications then lie beside it, not in it, and are looked for there.
"""

import sys
from pathlib import Path

import casecnn
from casecnn.cli import main

if __name__ == "__main__":
    beside = Path(__file__).resolve().parents[1]
    if (beside / "pyproject.toml").is_file() and (beside / "go" / "cli").is_dir():
        casecnn.__path__.append(str(beside))
    sys.exit(main())
