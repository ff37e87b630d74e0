"""``python -m wbclib``: the same as ``wbc``."""

import sys

from wbclib.cli import main

sys.exit(main())
