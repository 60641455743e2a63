"""The readable engine: the same semantics text on NumPy lanes, one instruction at a time."""
