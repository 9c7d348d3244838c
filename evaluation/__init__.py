"""How synthetic films fare: with readers, with machines, and both beside each other in one report."""
