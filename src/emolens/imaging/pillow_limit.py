"""Suspension of Pillow's size limit, for images whose size emolens has checked."""

import contextlib
import threading
from collections.abc import Iterator

from PIL import Image


class _Limit:
    """A temporary removal of the process-wide limit `PIL.Image.MAX_IMAGE_PIXELS`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_users = 0
        self._before: int | None = None

    @contextlib.contextmanager
    def lifted(self, n_pixels: int) -> Iterator[None]:
        """Let Pillow decode an image of this size without a warning or an error.

        The limit is removed only if the image exceeds it. It is restored when the last of several
        threads leaves the block.
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
