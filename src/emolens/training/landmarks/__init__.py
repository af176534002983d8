"""Training of the landmark network, which learns five points of a face from detectors."""

__all__ = ["export", "fit", "recipe"]
