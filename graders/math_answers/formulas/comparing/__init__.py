"""Whether two trees say the same, typed by the gold."""
