import inspect

import pytest

from emolens.core import errors
from emolens.core.errors import EmolensError, MissingExtraError
from emolens.core.installation import install_command

CLASSES: list[type[EmolensError]] = [
    cls
    for _, cls in inspect.getmembers(errors, inspect.isclass)
    if cls.__module__ == errors.__name__ and issubclass(cls, EmolensError)
]


def test_every_error_stands_below_the_root_with_its_own_code() -> None:
    defined = [cls for _, cls in inspect.getmembers(errors, inspect.isclass)]
    raised = {cls for cls in defined if not issubclass(cls, Warning)}
    assert {cls for cls in raised if cls.__module__ == errors.__name__} == set(CLASSES)
    codes = [cls.code for cls in CLASSES]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.InputError, ValueError),
        (errors.InputNotFoundError, FileNotFoundError),
        (errors.DatasetError, ValueError),
        (errors.OutputError, OSError),
        (errors.MissingExtraError, ImportError),
    ],
)
def test_errors_are_also_what_a_caller_expects(
    error: type[Exception], builtin: type[Exception]
) -> None:
    assert issubclass(error, builtin)


def test_a_missing_extra_says_how_to_get_it() -> None:
    message = str(MissingExtraError("emolens train", "train", "torch"))
    assert message.startswith("emolens train requires the package 'torch'")
    assert f"Install it with: {install_command('train')} (without an NVIDIA GPU" in message
    assert f"uv {install_command('train', options=['--torch-backend', 'auto'])})" in message
    report = str(MissingExtraError("emolens evaluate --report", "report", "seaborn"))
    assert report.endswith(f"Install it with: {install_command('report')}")
