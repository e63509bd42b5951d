"""What a completion is worth: pure decisions."""
