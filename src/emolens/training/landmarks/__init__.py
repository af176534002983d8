"""The landmark network: taught by detectors, it finds five points in any face they find."""

__all__ = ["export", "fit", "recipe"]
