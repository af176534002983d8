"""Sources of frames and images, and sinks of results."""
