"""Listings of machine code, made without the declarations of its instruction set: they start at once."""
