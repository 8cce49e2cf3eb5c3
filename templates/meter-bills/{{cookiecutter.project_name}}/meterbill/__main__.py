"""What runs as `python3 -m meterbill`."""

import sys

from meterbill.cli import main

sys.exit(main())
