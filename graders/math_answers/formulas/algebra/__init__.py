"""What an expression is worth: canonical forms, and probes in high precision."""
