"""`python -m service`."""

import sys

if __name__ == "__main__":
    # Here, for a worker that is spawned imports this module under another name, and needs no API.
    from service.cli import main

    sys.exit(main())
