"""Numbers that machines give to sets of films."""
