"""The compiled engine's interpreter, to be run a few instructions at a time."""
