import subprocess
import sys

import pytest

from emolens.core.installation import install_command


@pytest.mark.parametrize("package", ["httpx", "websockets"])
def test_a_missing_library_is_named_in_one_line(package: str) -> None:
    code = f"""
import sys
sys.modules[{package!r}] = None
try:
    import emolens.client
except ImportError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        f"MissingExtraError emolens.client requires the package {package!r}, which is not "
        f"installed. Install it with: {install_command('client')}\n"
    )


def test_the_client_loads_neither_models_nor_the_server() -> None:
    code = """
import sys, emolens.client
heavy = ("cv2", "onnxruntime", "av", "fastapi", "starlette", "uvicorn", "pyarrow")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
