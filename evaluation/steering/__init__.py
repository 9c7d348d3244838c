"""How well latent class optimisation reaches a finding, at what cost, and beside what."""
