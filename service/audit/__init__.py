"""Every verdict on disk, with what was graded: written beside the work, never in its way."""
