"""What a run tells its user: counts, rates and histograms, as text and as JSON."""
