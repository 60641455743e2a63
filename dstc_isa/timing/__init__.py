"""The timing model: what a launch costs on a configured GPU, decided as its instructions execute."""
