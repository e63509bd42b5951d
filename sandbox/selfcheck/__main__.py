"""`python -m sandbox.selfcheck`."""

import sys

from sandbox.selfcheck.command import main

if __name__ == "__main__":
    sys.exit(main())
