"""What docs/benchmarks.md and docs/server.md say about the speed and the limits of the server."""

from typing import Any

from page_results import DOCS, results

SERVER_PAGE = DOCS / "server.md"
SPEED_BEGIN, SPEED_END = "<!-- speed:begin -->", "<!-- speed:end -->"
LIMITS = ("lengths", "bombs", "formats", "messages")


def server_requirements() -> list[tuple[str, str, str, str]]:
    """Return number, requirement, result and script of each requirement of the server."""
    limits, fuzz, overload = (
        results("server-limits"),
        results("server-fuzz"),
        results("server")["overload"],
    )
    start, stop, access, leaks = limits["start"], limits["stop"], limits["access"], limits["leaks"]
    lengths, bombs, formats, messages = (limits["limits"][name] for name in LIMITS)
    slowest = max(of["slowest_ms"] for of in (lengths, bombs))
    more_mb = max(of["more_mb"] for of in (lengths, bombs, messages))
    rest, streams = fuzz["rest"], fuzz["streams"]
    return [
        (
            "G14",
            "server: ready only after the warm-up; after SIGTERM not ready within 100 ms, requests that have begun are "
            "answered, exit code 0 within 10 s",
            f"{start['not_ready_answers']} answers before it was ready; the first request took "
            f"{start['first_over_median']:.1f} times the later median; not ready after {stop['not_ready_max_ms']:.0f} ms, "
            f"{stop['answered']} of {stop['runs']} answered, exit code {stop['exit_codes'][0]} after at most "
            f"{stop['exit_max_s']:.1f} s",
            "server_limits.py",
        ),
        (
            "G15",
            "ten times the load that the server can take, for 5 min: no crash, memory at most 1.2 times, rejects within "
            "50 ms, at least 90 % of the peak is still answered",
            f"{overload['offered_over_peak']:.1f} times for {overload['seconds'] / 60:.0f} min: memory "
            f"{overload['rss_ratio']:.2f} times, rejects within {overload['rejects_ms']['p95']:.0f} ms (95th percentile), "
            f"{100 * overload['goodput_over_peak']:.0f} % of the peak",
            "server_load.py",
        ),
        (
            "G16",
            "limits (10 MB, 25 MP, 512 KiB frame; chunked, wrong and missing lengths): refused within 200 ms, with at most "
            "50 MB more memory",
            f"{lengths['attacks']} kinds of bodies and {bombs['attacks']} compressed ones: at most {slowest:.0f} ms and "
            f"{more_mb:.0f} MB",
            "server_limits.py",
        ),
        (
            "G17",
            "another origin gets 403 and a missing key 401 before the body is read; slow and idle connections are closed "
            f"within 30 s; {leaks['connections']:,} connections leak nothing",
            f"{access['other_page']} after {access['other_page_ms']:.0f} ms, {access['without_key']} after "
            f"{access['without_key_ms']:.0f} ms; {leaks['more_threads']} threads and {leaks['more_descriptors']} descriptors "
            f"more, {leaks['more_mb']:+.0f} MB",
            "server_limits.py",
        ),
        (
            "G19",
            "fuzzing of the interface: at least 10,000 requests without a status of 500 or more, 2,000 streams without a "
            "hang or a leak",
            f"{rest['cases']:,} requests, {rest['server_errors']} such answers, {rest['n_failures']} that differ from the "
            f"description; {streams['sequences']:,} streams, slowest check {streams['slowest_check_s']:.1f} s, "
            f"{streams['more_threads']} threads and {streams['more_descriptors']} descriptors more",
            "server_fuzz.py",
        ),
        (
            "G20",
            "names with folders, playlists and disguised formats are refused",
            f"{formats['attacks']} of {formats['attacks']} within {formats['slowest_ms']:.0f} ms",
            "server_limits.py",
        ),
    ]


def speed_lines() -> list[str]:
    """Return the speed of the server, for docs/server.md."""
    server = results("server")
    live, own = server["live"], server["images"]["programs"]["emolens"]
    paced, waiting = live["one_paced"], live["one_waiting"]
    eight = [stream["results_per_s"] for stream in live["eight_paced"]["streams"]]
    return [
        f"On two cores ({server['processor']}), with the clients on the same computer ([benchmarks](benchmarks.md#server)):",
        "",
        "| load | results per second | 95th percentile |",
        "|---|---|---|",
        f"| {server['clients']} clients with images of {server['long_sides_px'][0]} to {server['long_sides_px'][-1]} px | "
        f"{own['results_per_s']:.0f} | {own['results_ms']['p95']:,.0f} ms |",
        f"| one stream of 640x480 at 30 frames/s | {paced['streams'][0]['results_per_s']:.0f} | "
        f"{paced['results_ms']['p95']:.0f} ms |",
        f"| one stream that waits for each result | {waiting['streams'][0]['results_per_s']:.0f} | "
        f"{waiting['results_ms']['p95']:.0f} ms |",
        f"| eight streams at 30 frames/s, each | at least {min(eight):.0f} | "
        f"{live['eight_paced']['results_ms']['p95']:.0f} ms |",
    ]


def with_speed(text: str) -> str:
    """Return docs/server.md with the speed between its two comments."""
    head, begin, rest = text.partition(SPEED_BEGIN)
    _, end, tail = rest.partition(SPEED_END)
    return "".join((head, begin, "\n", "\n".join(speed_lines()), "\n", end, tail))


def server_section() -> list[str]:
    """Return the section about `emolens serve`."""
    server = results("server")
    sizes = server["long_sides_px"]
    memory, overload = server["memory"], server["overload"]
    own = server["images"]["programs"]["emolens"]
    return [
        "## Server",
        "",
        "`python docs/benchmarks/server_load.py --json docs/metrics/server.json`: `emolens serve` and its clients "
        f"share {server['threads']} processors ({server['processor']}, {server['machine']}, {server['date']}). "
        f"{server['clients']} clients send JPEG images of {sizes[0]} to {sizes[-1]} px with one to three faces, each the "
        "next one when the last is answered. Streams send JPEG frames of 640x480 with one face. Times are those of the "
        "clients, from sending to the complete answer.",
        "",
        "| | requirement | result |",
        "|---|---|---|",
        *[f"| {' | '.join(row)} |" for row in server_rows(server)],
        "",
        *server_peers(server),
        f"Memory: {memory['settled_mb']:.0f} MB after {memory['settled_s']:.0f} s and {memory['end_mb']:.0f} MB after "
        f"{memory['seconds'] / 60:.0f} min. In the overload, the clients use {overload['client_cores']:.2f} processors "
        f"({own['client_cores']:.2f} otherwise), and wake up late by {overload['client_lag_ms']['p95']:.1f} ms (95th "
        "percentile), which is part of all times.",
        "",
    ]


def server_rows(server: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return subject, requirement and result of each measurement of the server."""
    live, memory, overload = server["live"], server["memory"], server["overload"]
    own = server["images"]["programs"]["emolens"]
    paced, waiting, eight = live["one_paced"], live["one_waiting"], live["eight_paced"]
    beside = live["one_beside_images"]
    drops = sum(stream["n_dropped"] for stream in eight["streams"])
    rates = [stream["results_per_s"] for stream in eight["streams"]]
    rejects = overload["rejects_ms"]
    has_all = overload["n_rejects"] == overload["n_rejects_with_retry"]
    return [
        (
            f"{server['clients']} clients, images",
            "no rejects",
            f"{own['results_per_s']:.1f} images/s; {percentiles(own['results_ms'])}; {own['n_rejects']} rejects; "
            f"peak memory {own['peak_mb']:.0f} MB",
        ),
        (
            "one stream, 30 frames/s",
            "at least 25 results/s, 95th percentile within 120 ms",
            f"{paced['streams'][0]['results_per_s']:.1f} results/s; {percentiles(paced['results_ms'])}",
        ),
        (
            "one stream that waits for each result",
            "as above",
            f"{waiting['streams'][0]['results_per_s']:.0f} results/s; {percentiles(waiting['results_ms'])}",
        ),
        (
            "eight streams, 30 frames/s each",
            "slowest at least 70 % of the mean",
            f"{min(rates):.1f} to {max(rates):.1f} results/s, slowest {100 * eight['slowest_over_mean']:.0f} % of the "
            f"mean, frames dropped: {drops}; {percentiles(eight['results_ms'])}",
        ),
        (
            f"one stream beside {server['clients']} clients with images",
            "-",
            f"{beside['streams'][0]['results_per_s']:.1f} results/s; {percentiles(beside['results_ms'])}; "
            f"{beside['images']['results_per_s']:.1f} images/s",
        ),
        (
            f"mixed load for {memory['seconds'] / 60:.0f} min",
            "memory flat",
            f"{memory['slope_mb_per_min']:+.2f} MB per minute",
        ),
        (
            f"overload (G15): {overload['offered_over_peak']:.1f} times the peak for "
            f"{overload['seconds'] / 60:.0f} min",
            "goodput at least 90 % of the peak, rejects within 50 ms (95th percentile), no crash",
            f"{overload['results_per_s']:.1f} images/s, {100 * overload['goodput_over_peak']:.0f} % of the peak "
            f"({100 * overload['goodput_per_processor_over_peak']:.0f} % per processor that the clients leave); "
            f"{overload['n_rejects']:,} rejects, {'all' if has_all else '**not all**'} with `Retry-After`: "
            f"{percentiles(rejects)}, maximum {rejects['max']:.0f} ms; {overload['n_lost']} without an answer; "
            f"memory {overload['rss_ratio']:.2f} times that before",
        ),
    ]


def percentiles(times_ms: dict[str, float]) -> str:
    """Return percentiles of times as text."""
    return "p50 / p95 / p99 {p50:.0f} / {p95:.0f} / {p99:.0f} ms".format_map(times_ms)


def server_peers(server: dict[str, Any]) -> list[str]:
    """Return the table of other programs behind a server; none if none was measured."""
    images = server["images"]
    best = images["best_peer"]
    missing = [f"Not measured: {name}: {why}." for name, why in images["not_measured"].items()]
    if best is None:
        return [*missing, ""] if missing else []
    rows = [
        f"| {name} | {of['results_per_s']:.1f} | {of['results_ms']['p50']:,.0f} | "
        f"{of['results_ms']['p95']:,.0f} | {of['results_ms']['p99']:,.0f} | {of['peak_mb']:,.0f} |"
        for name, of in images["programs"].items()
    ]
    return [
        "The same images and clients with other programs, behind FastAPI and uvicorn (`peer_server.py`: models loaded "
        "once per thread and warmed up, no checks and no limits), in alternating rounds of which the median counts:",
        "",
        "| | images/s | p50, ms | p95, ms | p99, ms | peak memory, MB |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        f"emolens answers {best['times_the_rate']:.1f} times as many images per second as {best['name']}, the fastest "
        f"other one, with {100 * best['share_of_p95']:.0f} % of its 95th percentile (requirement: at least 4 times, and "
        "a lower 95th percentile).",
        "",
        *missing,
        *([""] if missing else []),
    ]
