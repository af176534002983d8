"""Files in and out: complete files or none."""
