"""`python -m sandbox`: the sandbox without Django."""

import sys

from sandbox.cli import main

sys.exit(main())
