"""Statistics of reader studies. Positive is synthetic; ratings rise towards synthetic."""
