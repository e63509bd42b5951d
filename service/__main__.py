"""`python -m service`."""

import sys

if __name__ == "__main__":
    # Not above: a spawned worker imports this module under another name, and needs no API.
    from service.cli import main

    sys.exit(main())
