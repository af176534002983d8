"""Sizes that keep the house readable, and a test for every module."""

import ast
import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/emolens"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if not path.stem.startswith("__"))

# Modules without a test of their name, and where they are tested instead. Patterns of paths.
TESTED_ELSEWHERE = {
    "cli/*.py": "commands run as people run them: tests/integration, tests/architecture",
    "contract/server.py": "answers and messages: tests/unit/server, tests/unit/client",
    "core/ports.py": "every port has a contract test: tests/contract",
    "datasets/formats.py": "tests/contract/test_dataset_readers.py, test_published_formats.py",
    "datasets/readers/csv_rows.py": "tests/contract/test_dataset_readers.py",
    "jobs/bench.py": "tests/integration/test_other_commands.py",
    "jobs/convert.py": "tests/integration/test_data_commands.py",
    "jobs/demo.py": "tests/integration/test_other_commands.py",
    "jobs/doctor.py": "tests/integration/test_other_commands.py",
    "jobs/evaluate.py": "tests/integration/test_evaluate_command.py, test_cross_evaluation.py",
    "rendering/font.py": "one constant; tests/unit/rendering/test_lettering.py",
    "reports/audit_text.py": "tests/integration/test_audit_command.py",
    "reports/plots.py": "tests/unit/reports/test_evaluation_page.py",
    "runtime/download.py": "tests/unit/runtime/test_catalogue.py",
    "runtime/quantization.py": "tests/parity/test_torch_and_onnx.py",
    "server/connections.py": "tests/integration/test_server_connections.py, test_server_limits.py",
    "testing/layouts/*.py": "what they write is read: tests/contract/test_published_formats.py",
    "tracking/library.py": "tests/architecture/test_import.py",
    "training/*.py": "a whole training: tests/integration, tests/parity",
    "training/landmarks/*.py": "a whole training: tests/integration/test_landmark_training.py",
}
MOST_LINES = 400
# Ninety of a hundred functions have at most so many lines behind their docstring.
USUAL_LINES = 20


def has_own_test(module: Path) -> bool:
    place = module.relative_to(SOURCE)
    return (ROOT / "tests/unit" / place.parent / f"test_{place.stem}.py").is_file()


def test_every_module_has_a_test_of_its_name_or_a_reason() -> None:
    bare = [str(path.relative_to(SOURCE)) for path in MODULES if not has_own_test(path)]
    assert [
        path
        for path in bare
        if not any(fnmatch.fnmatchcase(path, pattern) for pattern in TESTED_ELSEWHERE)
    ] == []
    assert [pattern for pattern in TESTED_ELSEWHERE if not fnmatch.filter(bare, pattern)] == [], (
        "no longer needed"
    )


def test_the_tests_that_are_named_exist() -> None:
    for reason in TESTED_ELSEWHERE.values():
        for word in reason.replace(",", " ").replace(":", " ").split():
            if word.startswith("tests/"):
                assert (ROOT / word).exists(), word


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_is_too_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function behind its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_most_functions_are_short() -> None:
    lengths = sorted(
        lines_of(node)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert lengths[int(0.9 * len(lengths))] <= USUAL_LINES


def test_the_command_line_keeps_to_options_and_text() -> None:
    lengths = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in (SOURCE / "cli").glob("*.py")
    }
    # Options and help of 23 commands.
    assert sum(lengths.values()) < 2300
    lengths.pop("options.py")
    assert max(lengths.values()) <= 150


def public_names(package: Path) -> list[str]:
    """The `__all__` of a package."""
    for node in ast.parse((package / "__init__.py").read_text(encoding="utf-8")).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                return list(ast.literal_eval(value))
            case ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value):
                return list(ast.literal_eval(value))
    raise AssertionError(f"{package} has no __all__")


PACKAGES = {
    ".".join(("emolens", *path.parent.relative_to(SOURCE).parts)): path.parent
    for path in sorted(SOURCE.rglob("__init__.py"))
}


def test_modules_that_a_package_does_not_name_are_imported_by_itself_only() -> None:
    """The `__all__` of a package names the modules that others may use; the rest is private."""
    public = {name: set(public_names(folder)) for name, folder in PACKAGES.items()}
    strange = []
    for path in MODULES:
        own = ".".join(("emolens", *path.parent.relative_to(SOURCE).parts))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.module if isinstance(node, ast.ImportFrom) and node.module else ""
            package, _, module = name.rpartition(".")
            is_inside = own == package or own.startswith(f"{package}.") or package == "emolens"
            if name in PACKAGES or package not in PACKAGES or is_inside:
                continue
            if module not in public[package] and not package.startswith(f"{own}."):
                strange.append((str(path.relative_to(SOURCE)), name))
    assert strange == []


def test_what_packages_name_exists() -> None:
    for name, folder in PACKAGES.items():
        text = (folder / "__init__.py").read_text(encoding="utf-8")
        for public in public_names(folder):
            is_module = (folder / f"{public}.py").exists() or (folder / public).is_dir()
            assert is_module or text.count(public) > 1, (name, public)
