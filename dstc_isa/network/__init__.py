"""Networks: their layers on the emulated machine, dense, with sparse weights, and with both sides sparse."""
