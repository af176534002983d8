import subprocess
import sys

import pytest

from emolens.imaging.limits import MAX_PIXELS


def test_images_of_a_hundred_megapixels_are_read() -> None:
    assert MAX_PIXELS == 100_000_000


@pytest.mark.parametrize("module", ["emolens.imaging.limits", "emolens.cli.options"])
def test_to_name_the_number_takes_no_opencv(module: str) -> None:
    code = f"import sys, {module}; assert not {{'cv2', 'PIL', 'numpy'}} & {{*sys.modules}}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
