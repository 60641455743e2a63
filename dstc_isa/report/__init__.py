"""What a run tells its user: counts, rates and histograms, as objects and as JSON; ``text`` has them in words."""
