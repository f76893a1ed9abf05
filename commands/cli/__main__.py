"""`python -m commands.cli`, where the program itself is not installed."""

import sys

from commands.cli import main

sys.exit(main())
