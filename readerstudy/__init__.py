"""The reader study: films, generators, studies, the reading room and its results."""

__version__ = "0.1.0"
