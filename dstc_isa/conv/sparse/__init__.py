"""Convolution that skips zeros: activations as bit strings, filters in order of steps, and the launches."""
