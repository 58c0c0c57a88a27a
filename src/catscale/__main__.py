"""`python -m catscale`, the same as the command `catscale`."""

import sys

from catscale.cli.main import main

sys.exit(main())
