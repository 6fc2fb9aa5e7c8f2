"""What others claim, and what the results say to it."""
