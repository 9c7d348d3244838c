"""`python -m gan`, but with presets of the test's own and a checkpoint after every step that is looked at.

Usage: python -m tests.gan.often PRESETS arguments of python -m gan …
"""

from __future__ import annotations

import sys
from pathlib import Path

import gan.config
from gan import __main__, training

if __name__ == "__main__":
    gan.config.PRESETS = Path(sys.argv[1])
    training.SECONDS_BETWEEN_CHECKPOINTS = 0
    sys.exit(__main__.main(sys.argv[2:]))
