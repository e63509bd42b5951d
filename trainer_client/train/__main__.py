"""`python -m trainer_client.train`."""

from __future__ import annotations

import sys

from trainer_client.train.cli import main

if __name__ == "__main__":
    sys.exit(main())
