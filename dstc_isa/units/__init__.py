"""Functional units that Volta does not have, each a room of its own: instructions, state, cost, counters, bound."""
