"""Pillow's own limit on the size of images, out of the way where emolens has checked the size."""

import contextlib
import threading
from collections.abc import Iterator

from PIL import Image


class _Limit:
    """Lifts `PIL.Image.MAX_IMAGE_PIXELS`, one number for the whole process, and puts it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_users = 0
        self._before: int | None = None

    @contextlib.contextmanager
    def lifted(self, n_pixels: int) -> Iterator[None]:
        """Inside the block Pillow decodes so many pixels without a warning or an error.

        The limit is only lifted where it would be exceeded, and comes back when the last of
        several threads leaves.
        """
        with self._lock:
            limit = self._before if self._n_users else Image.MAX_IMAGE_PIXELS
            is_user = limit is not None and n_pixels > limit
            if is_user:
                self._before, Image.MAX_IMAGE_PIXELS = limit, None
                self._n_users += 1
        try:
            yield
        finally:
            if is_user:
                with self._lock:
                    self._n_users -= 1
                    if not self._n_users:
                        Image.MAX_IMAGE_PIXELS = self._before


pillow_limit_lifted = _Limit().lifted
