"""How emolens was installed, and the command that adds what is missing."""

import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

PACKAGE = "emolens"


def install_command(extra: str = "", *, options: Sequence[str] = ()) -> str:
    """Return the `pip` command that installs emolens again from where it came.

    Args:
        extra: An extra that it adds, for example `"train"`; empty for none.
        options: Options of `pip install`.

    Source:
        `direct_url.json` of the Direct URL specification (PEP 610). `pip` writes it for folders,
        files and repositories, and not for packages from an index.
    """
    origin = _origin()
    wanted = f"[{extra}]" if extra else ""
    if "dir_info" in origin:
        target = f"{_path_of(origin['url'])}{wanted}"
        if origin["dir_info"].get("editable"):
            options = (*options, "--editable")
    elif "vcs_info" in origin:
        vcs = origin["vcs_info"]
        target = f"{PACKAGE}{wanted} @ {vcs['vcs']}+{origin['url']}@{vcs['commit_id']}"
    elif "url" in origin:
        target = f"{PACKAGE}{wanted} @ {origin['url']}"
    else:
        target = f"{PACKAGE}{wanted}"
    return " ".join(("pip install", *options, f'"{target}"'))


def _origin() -> dict[str, Any]:
    """The parsed `direct_url.json`; empty if emolens came from an index or was not installed."""
    try:
        text = distribution(PACKAGE).read_text("direct_url.json")
        origin: dict[str, Any] = json.loads(text) if text else {}
    except (PackageNotFoundError, ValueError, OSError):
        return {}
    return origin


def _path_of(url: str) -> str:
    return url2pathname(unquote(urlsplit(url).path))
