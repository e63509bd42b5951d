"""A tour of RLVR without hub and GPU: a tiny model learns sums in three stages on a CPU."""
