"""What a kernel does on its way: every instruction of chosen warps, beside the launch and without changing it."""
