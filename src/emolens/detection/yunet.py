"""YuNet: a very small detector, run by OpenCV itself."""


class YuNetDetector:
    """Stub."""
