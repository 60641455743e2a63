"""Reports as people read them, on a terminal and from ``print``: lines and tables of what ``report`` computes."""
