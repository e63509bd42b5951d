"""`python -m trainer_client.curate`."""

from __future__ import annotations

import sys

from trainer_client.curate.cli import main

if __name__ == "__main__":
    sys.exit(main())
