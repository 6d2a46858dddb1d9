"""`python -m config.local.sandbox`: the sandbox without Django."""

import sys

from config.local.sandbox.cli import main

sys.exit(main())
