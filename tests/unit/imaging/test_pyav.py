import subprocess
import sys


def test_opencv_is_there_before_pyav() -> None:
    script = (
        "import sys, emolens.imaging.pyav\n"
        "names = list(sys.modules)\n"
        "assert names.index('cv2') < names.index('av')"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
