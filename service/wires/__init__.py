"""The wires of other RL frameworks, one file each: to Items and from Verdicts, and no more."""
