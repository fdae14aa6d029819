"""`python -m edgeroute` is the same program as `edgeroute`."""

import sys

from edgeroute.cli.main import main

sys.exit(main())
