"""Writes docs/benchmarks.md from what the benchmarks measured.

python docs/benchmarks/page.py
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1]
METRICS = DOCS / "metrics"
PAGE = DOCS / "benchmarks.md"


def figures(name: str) -> dict[str, Any]:
    """What a benchmark wrote."""
    loaded: dict[str, Any] = json.loads((METRICS / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def promises() -> list[tuple[str, str, str, str]]:
    """Number, promise, what was measured, and the command."""
    fresh, live, back = figures("freshness"), figures("live"), figures("reconnect")
    identity, hour, kill = figures("identity"), figures("hour"), figures("recording-kill")
    silence = figures("silence")
    crossing = figures("tracking")["clips"]
    least = min(of["bytetrack"]["idf1"] for clip, of in crossing.items() if "cross" in clip)
    hidden = crossing["hidden for 0.5 s"]["bytetrack"]
    smooth = figures("smoothing")["settings"][0]
    cuts = [of["cut"] for of in smooth["flips"].values()]
    rates = smooth["rate_difference"]
    return [
        (
            "G1",
            "30 frames a second, a classifier of 5: results at most one frame and 1.5 inferences old "
            f"(19 of 20 within {fresh['limit_ms']:.0f} ms), getting older by at most 1 ms a minute",
            f"{fresh['minutes']:.0f} min: 19 of 20 within {fresh['age_p95_ms']:.0f} ms; "
            f"{fresh['slope_ms_per_min']:+.2f} ms a minute",
            "freshness.py",
        ),
        (
            "G2",
            "captured = processed + dropped + in flight, whenever asked",
            f"asked {fresh['n_scrapes']:,} times, wrong {fresh['n_wrong_scrapes']} times; "
            f"{fresh['captured']:,} = {fresh['processed']:,} + {fresh['dropped']:,} + "
            f"{fresh['in_flight']}",
            "freshness.py",
        ),
        (
            "G3",
            "640x480, one face, two cores: at least 25 frames a second; from "
            "capture to the drawn image 19 of 20 within 120 ms",
            f"`{live['model']}`: {live['frames_per_s']:.1f} of 30 frames a second, {live['dropped']} of "
            f"{live['captured']:,} dropped; half within {live['delay_p50_ms']:.0f}, 19 of 20 within "
            f"{live['delay_p95_ms']:.0f} ms",
            "live.py",
        ),
        (
            "G4",
            "a dead source is noticed within 5 s and runs within 2 s of its return; "
            "100 times leave no thread and no open file; stopping takes at most 2 s",
            f"{back['cycles']} times: noticed within {back['noticed_max_s']:.1f} s, back within "
            f"{back['back_max_s']:.1f} s; {back['more_threads']} threads and "
            f"{back['more_descriptors']} open files more; stopped in {back['stop_s']:.2f} s",
            "reconnect.py",
        ),
        (
            "G5",
            "changes of the label under noise cut by at least 70 %, a clear change shown within "
            "400 ms, 15, 30 and 60 frames a second smoothed alike within 0.05",
            f"cut by {100 * min(cuts):.0f} to {100 * max(cuts):.0f} %; shown within "
            f"{1e3 * smooth['delays']['clear, 30 Hz']['max_s']:.0f} ms; "
            f"alike within {rates['smile in 0.5 s']:.3f} for a smile that takes 0.5 s, "
            f"{rates['smile in 0.3 s']:.4f} for one of 0.3 s; **missed** for one that is there from one "
            f"moment to the next: {rates['sudden smile']:.2f}",
            "../experiments/smoothing.py",
        ),
        (
            "G6",
            "one face keeps one number for 10 min; two that cross: IDF1 at least 0.95; half a second "
            "hidden keeps the number",
            f"{identity['n_frames']:,} frames: {identity['n_ids']} number; crossing: IDF1 "
            f"{least:.2f} or more; hidden: {hidden['n_ids']} number",
            "identity.py, ../experiments/tracking.py",
        ),
        (
            "G7",
            "every decodable frame once, time stamps within 1 ms of the container's, with a variable "
            "rate, turned, with B-frames",
            "holds for every container and codec tried",
            "`pytest tests/contract/test_sources.py tests/unit/media`",
        ),
        (
            "G8",
            "108,000 frames: memory grows by at most 50 MB, peak 1.5 GB, the last tenth at least "
            "95 % as quick as the first",
            f"{hour['n_frames']:,} frames: {hour['growth_mb']:.0f} MB more, peak "
            f"{hour['peak_mb']:.0f} MB, last tenth {100 * hour['last_tenth_over_first']:.0f} %",
            "hour.py",
        ),
        (
            "G9",
            "killed while recording: the file opens and lacks at most 2 s, 20 of 20",
            f"{kill['n_opened']} of {kill['n_runs']} opened, at most "
            f"{kill['max_lost_s']:.2f} s lost",
            "recording_kill.py",
        ),
        (
            "G22",
            "the same video gives the same bytes: tables and annotated video",
            "holds",
            "`pytest tests/integration/test_video_command.py -k same_bytes`",
        ),
        (
            "G25",
            "silence: `image`, `video`, `live` and Python ask for no internet socket and no address, and "
            "leave no file that nobody asked for",
            f"{silence['seconds']:.0f} s of each: {silence['n_calls']} calls, {silence['n_files']} files",
            "silence.py",
        ),
    ]


def command(name: str) -> str:
    """A script as a command."""
    if name.startswith("`"):
        return name
    scripts = [f"`{Path('docs/benchmarks', part)}`" for part in name.split(", ")]
    return ", ".join(scripts).replace("docs/benchmarks/../", "docs/")


def bench_rows(bench: dict[str, Any]) -> list[str]:
    """The table of `emolens bench`."""
    rows = [
        "| settings | threads | size | faces | frames a second | a frame, ms | searching, ms | "
        "following, ms | naming, ms | drawing, ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for case in bench["measurements"]:
        stages = case["stages_ms"]
        width, height = case["size_wh"]
        times = [cell(stages, stage) for stage in STAGES]
        rows.append(
            f"| {case['mode']} | {case['threads']} | {width}x{height} | {case['faces']} | "
            f"{case['frames_per_s']:.0f} | " + " | ".join(times) + " |"
        )
    return rows


def silence_rows(silence: dict[str, Any]) -> list[str]:
    """The table of what every command did behind one's back."""
    rows = ["| | calls to the network | files nobody asked for |", "|---|---|---|"]
    for name, found in silence["runs"].items():
        rows.append(f"| {name} | {len(found['calls'])} | {len(found['files'])} |")
    return rows


STAGES: Sequence[str] = ("frame", "detection", "following", "classification", "drawing")


def cell(stages: dict[str, dict[str, float]], stage: str) -> str:
    """Median and 95th percentile."""
    if stage not in stages:
        return "-"
    return f"{stages[stage]['p50']:.1f} / {stages[stage]['p95']:.1f}"


def peer_times(peers: dict[str, Any]) -> list[str]:
    """The table of what images and frames take beside other programs."""
    sizes = list(peers["programs"]["emolens"]["clips"])
    rows = [
        "| | an image | "
        + " | ".join(f"a frame of {size}" for size in sizes)
        + " | first answer | memory |",
        "|---" * (len(sizes) + 4) + "|",
    ]
    own = peers["programs"]["emolens"]
    for name, of in peers["programs"].items():
        cells = [peer_cell(of["images"], own["images"])]
        cells += [peer_cell(of["clips"].get(size), own["clips"][size]) for size in sizes]
        cells += [f"{of['first_answer_s']:.1f} s", f"{of['peak_mb']:,.0f} MB"]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return rows


def peer_cell(of: dict[str, Any] | None, own: dict[str, Any]) -> str:
    """Wall and processor time, and how many times emolens's own wall time it is."""
    if of is None:
        return "-"
    times = of["wall_ms"] / own["wall_ms"]
    ratio = "" if of is own else f" ({times:.{1 if times < 10 else 0}f} x)"
    return f"{of['wall_ms']:.1f} / {of['cpu_ms']:.1f} ms{ratio}"


def peer_counts(peers: dict[str, Any]) -> list[str]:
    """The table of the faces that were found, and named as FER2013 does."""
    grounds = list(next(iter(peers["fer2013"].values()), {}))
    heads = [f"FER2013 on {of}: found | other boxes | of these named as it does" for of in grounds]
    rows = [
        "| | " + " | ".join(["faces found", "other boxes", *heads]) + " |",
        "|---" * (3 + 3 * len(grounds)) + "|",
    ]
    for name in peers["every"]:
        images = peers["programs"].get(name, {}).get("images")
        labelled = peers["fer2013"].get(name, {})
        if not images and not labelled:
            continue
        cells = counted(images["counts"]) if images else ["-", "-"]
        for of in (labelled.get(ground) for ground in grounds):
            named = f"{100 * of['right'] / max(1, of['found']):.1f} %" if of else "-"
            cells += [*(counted(of) if of else ["-", "-"]), named]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return rows


def counted(of: dict[str, Any]) -> list[str]:
    """How many of the faces were found, and how many other boxes there were."""
    return [f"{of['found']} of {of['shown']}", str(of["false"])]


def beside_others() -> list[str]:
    """The section about other programs."""
    peers = figures("peers")
    packages = ("emolens", "fer", "deepface", "tensorflow", "onnxruntime")
    versions = {
        of: seen
        for program in peers["programs"].values()
        for of, seen in program["versions"].items()
    }
    named = ", ".join(f"{of} {versions[of]}" for of in packages if of in versions)
    images = peers["programs"]["emolens"]["images"]["counts"]
    every = [
        f"one in {n} by {name}"
        for name, n in peers["every"].items()
        if n > 1 and name in peers["programs"]
    ]
    low, high = peers["face_px"]
    own = peers["own"]
    return [
        "## Beside other programs",
        "",
        "`make peers` (or `python docs/benchmarks/peers.py --data fer2013 --json docs/metrics/peers.json`, then "
        "`python docs/benchmarks/page.py`): the same images and clips for every program, each in an environment "
        f"of its own, with {peers['threads']} threads on as many processors. {named}; {peers['processor']}, "
        f"{peers['machine']}, Python {peers['python']}, {peers['date']}."
        + (f" {peers['warning']}" if peers["warning"] else ""),
        "",
        "Times are wall time / time on processors, as medians of "
        f"{peers['rounds']} rounds that took turns, in brackets how many times emolens's wall time; reading the file "
        "is part of it, loading the models is not. `first answer` is the time from the start of the process to the "
        "first image's faces, `memory` the most that was in use. Clips are files of "
        f"{peers['clip_seconds']:.0f} s with {peers['clip_hz']} frames a second and one face. `emolens` looks for "
        "faces 10 times a second and follows them in between, as it does unless told; `every frame` looks in each. "
        "The others know single frames only; to be done in time, they get some of them, spread evenly over the "
        f"clip: {', '.join(every)}. fer is called frame by frame, since its class for videos writes a "
        "copy of each; `fer` finds faces by OpenCV's cascade, `fer, MTCNN` by a network. `deepface, faces only` is "
        "its default detector without naming.",
        "",
        *peer_times(peers),
        "",
        *[f"Not measured: {name}: {reason}." for name, reason in peers["not_measured"].items()],
        "",
        f"The {images['images']} images show {images['shown']} faces of {low} to {high} px of two people "
        "(scikit-image's and matplotlib's samples, mirrored, lighter and darker) on photographs without people. A "
        "face is found where the middle of a box lies in it and the box is 0.4 to 2.5 times as wide. FER2013's "
        "faces (PublicTest) were enlarged and laid on plain grey and on the same photographs, up to three an image; "
        "they end at the edge of the face, which no photograph's do, and which is hard on detectors. fer's network was trained on FER2013 as well. "
        "`emolens` names faces by its default model, which stands between what most people see and FER2013's label; "
        "`labels` is the model for labels.",
        "",
        *peer_counts(peers),
        "",
        f"`emolens image IMAGE`, from the shell to the answer: {own['command_s']:.2f} s. `emolens live` on the "
        f"640x480 clip, drawn as for its window: {own['results_per_s']:.0f} results a second as fast as it can; at "
        f"{peers['clip_hz']} frames a second it keeps {100 * own['cores_at_30_hz']:.0f} % of one core busy and drops "
        f"{own['dropped_at_30_hz']} of {own['frames']}.",
        "",
    ]


def page() -> str:
    """The whole page."""
    bench, small, silence = figures("bench"), figures("whole-chain-live"), figures("silence")
    rows = [f"| {n} | {p} | {m} | {command(c)} |" for n, p, m, c in promises()]
    return "\n".join(
        [
            "# Benchmarks of streams",
            "",
            "What emolens promises of videos and cameras, and what was measured with "
            "an Intel Xeon, two cores, on 25 November 2026, or where the speed of detection matters (G3, "
            f"G6, speed, other programs) with {bench['processor']}, {bench['machine']}, on 27 November. "
            "`make soak` runs all of it (about an hour, nothing else should run) and writes this page; "
            "shortened versions are part of the tests.",
            "",
            "| | promised | measured | with |",
            "|---|---|---|---|",
            *rows,
            "",
            "## Silence",
            "",
            f"`python docs/benchmarks/silence.py --seconds {silence['seconds']:.0f}`: each command in an empty folder with an empty home, without the "
            "variable `CI`, which keeps some libraries quiet; native libraries are heard too (a small C "
            f"library loaded before them). With ONNX Runtime {silence['onnxruntime']}:",
            "",
            *silence_rows(silence),
            "",
            "Two libraries are not silent by themselves. ONNX Runtime (1.29 and newer) makes a device id and "
            "a database under the user's cache folder when it is imported, and looks up its maker's collector "
            "10 s later; emolens switches this off for its import, and a program that imports `onnxruntime` "
            "before emolens has to set `ORT_DISABLE_TELEMETRY=1` itself. The trackers import `requests`, which "
            "opens a socket to see whether there is IPv6; emolens does not let it load. Pages with plots and "
            "training put matplotlib's list of fonts into a temporary folder. The network is used where it is "
            "asked for only: `emolens models fetch`, cameras and videos with an address.",
            "",
            "## Speed",
            "",
            "`emolens bench --json docs/metrics/bench.json`: generated clips, the model "
            f"`{bench['model']}`, times "
            "as median / 95th percentile. The whole frame is searched in every third of 30 frames a "
            "second; in the others, known faces are found again where they are expected. So the median "
            "frame is one without a search and the 95th percentile one with it. `live` "
            "and `video` both search at 640 px, or `live` at 320 with CenterFace. Decoding is "
            "that of a drawn clip here. What your own machine and video take, "
            "`emolens bench --source film.mp4` tells.",
            "",
            *bench_rows(bench),
            "",
            f"Is what `live` sees enough? Of {small['n']} FER2013 PublicTest faces, enlarged to "
            f"{48 * small['factor']:.0f} px on an image of 640x480, it finds "
            f"{100 * small['share_detected']:.1f} %, and {100 * small['accuracy_whole_chain']:.1f} % of these are "
            f"named rightly, against {100 * small['accuracy_face_crops']:.1f} % of the same faces as ready-made "
            "crops (`python docs/experiments/whole_chain.py fer2013 --model labels --detector-px 640 --factor 2`).",
            "",
            *beside_others(),
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
