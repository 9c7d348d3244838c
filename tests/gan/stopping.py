"""`python -m gan`, but with presets of the test's own and with SIGTERM raised once so many images were shown.

Usage: python -m tests.gan.stopping PRESETS IMAGES arguments of python -m gan …
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import gan.config
from gan import __main__, train_command
from gan.training import Figures


class StoppingBar(train_command.TrainingBar):
    def __call__(self, figures: Figures) -> None:
        super().__call__(figures)
        if figures.images - figures.batch < int(sys.argv[2]) <= figures.images:
            signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    gan.config.PRESETS = Path(sys.argv[1])
    train_command.TrainingBar = StoppingBar  # type: ignore[misc]
    sys.exit(__main__.main(sys.argv[3:]))
