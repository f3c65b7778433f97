"""Memory, time and money of a training step before it is run; every figure carries its evidence."""
