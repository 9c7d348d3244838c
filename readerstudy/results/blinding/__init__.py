"""Blinding, measured: a reader who is no person reads a study over HTTP, and truth is predicted from what comes."""
