"""The figures, one a file, and the frame that they share."""
