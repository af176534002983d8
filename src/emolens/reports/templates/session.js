"use strict";
(() => {
  const page = JSON.parse(document.getElementById("charts").textContent);
  const { labels, edge, start_s: origin, bin_s: width, steps, absent, no_scores: noScores } = page;
  const names = labels.map(([name]) => name);
  const colors = labels.map(([, color]) => color);
  const nClasses = labels.length - 1;
  const dash = "\u2013";
  const font = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
  const ink = "#1c1c1e";
  const line = "#8a8a8a";

  const clock = (at, digits) => {
    const unit = 10 ** digits;
    const ticks = Math.round(Math.abs(at) * unit);
    const seconds = ((ticks % (60 * unit)) / unit).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
    const minutes = Math.floor(ticks / (60 * unit));
    const sign = at < 0 && ticks ? "-" : "";
    if (minutes < 60) return `${sign}${minutes}:${seconds}`;
    return `${sign}${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${seconds}`;
  };
  const digitsOf = (step) => (step >= 1 ? 0 : step >= 0.1 ? 1 : 2);
  const percent = (value) => (value == null ? dash : `${Math.round(100 * value)} %`);

  // Bins that are visible at the present zoom, each with its left edge and width on the canvas.
  const eachBin = (u, first, n, paint) => {
    const { min, max } = u.scales.x;
    const from = Math.max(0, Math.floor((min - origin) / width) - first);
    const to = Math.min(n, Math.ceil((max - origin) / width) - first);
    for (let bin = from; bin < to; bin++) {
      const left = Math.round(u.valToPos(origin + (first + bin) * width, "x", true));
      const right = Math.round(u.valToPos(origin + (first + bin + 1) * width, "x", true));
      paint(bin, left, Math.max(1, right - left));
    }
  };
  const fill = (u, color, left, wide, yFrom, yTo) => {
    const top = Math.round(u.valToPos(yTo, "y", true));
    const bottom = Math.round(u.valToPos(yFrom, "y", true));
    u.ctx.fillStyle = color;
    u.ctx.fillRect(left, Math.min(top, bottom), wide, Math.abs(bottom - top));
  };
  // Uncertainty is drawn as lines, so it differs from every class without its colour.
  const lines = (() => {
    const side = Math.round(6 * devicePixelRatio);
    const tile = document.createElement("canvas");
    tile.width = tile.height = side;
    const pen = tile.getContext("2d");
    pen.strokeStyle = colors[nClasses];
    pen.lineWidth = 1.5 * devicePixelRatio;
    for (const shift of [-side, 0, side]) {
      pen.moveTo(shift - 1, side + 1);
      pen.lineTo(shift + side + 1, -1);
    }
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  })();
  const paintOf = (label) => (label === nClasses ? lines : colors[label]);
  // The edge of what is visible: light areas differ from the white page.
  const frame = (u, isVisible, bin, left, wide, yFrom, yTo) => {
    const top = Math.round(Math.min(u.valToPos(yTo, "y", true), u.valToPos(yFrom, "y", true)));
    const bottom = Math.round(Math.max(u.valToPos(yTo, "y", true), u.valToPos(yFrom, "y", true)));
    const thick = Math.max(1, Math.round(devicePixelRatio));
    u.ctx.fillStyle = edge;
    u.ctx.fillRect(left, top, wide, thick);
    u.ctx.fillRect(left, bottom - thick, wide, thick);
    if (!isVisible(bin - 1)) u.ctx.fillRect(left, top, thick, bottom - top);
    if (!isVisible(bin + 1)) u.ctx.fillRect(left + wide - thick, top, thick, bottom - top);
  };
  const clipped = (paint) => (u) => {
    const { left, top, width: wide, height } = u.bbox;
    u.ctx.save();
    u.ctx.beginPath();
    u.ctx.rect(left, top, wide, height);
    u.ctx.clip();
    paint(u);
    u.ctx.restore();
  };
  // Cuts closer together than a few pixels share a line, so that they hide nothing.
  const paintCuts = clipped((u) => {
    const { top, height } = u.bbox;
    const apart = 4 * devicePixelRatio;
    let last = -Infinity;
    u.ctx.strokeStyle = ink;
    u.ctx.lineWidth = devicePixelRatio;
    u.ctx.beginPath();
    for (const at of page.cuts_s) {
      const x = Math.round(u.valToPos(at, "x", true)) + u.ctx.lineWidth / 2;
      if (x - last < apart) continue;
      u.ctx.moveTo(x, top);
      u.ctx.lineTo(x, top + height);
      last = x;
    }
    u.ctx.stroke();
  });
  const edges = (first, n) => Array.from({ length: n + 1 }, (_, bin) => origin + (first + bin) * width);

  const timeAxis = {
    scale: "x",
    font,
    stroke: ink,
    grid: { show: false },
    ticks: { stroke: line, size: 5 },
    border: { show: true, stroke: line, width: 1 },
    label: "time (minutes:seconds)",
    labelFont: font,
    labelSize: 22,
    size: 30,
    space: 70,
    incrs: [0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400],
    values: (_u, splits, _axis, _space, step) => splits.map((at) => clock(at, digitsOf(step))),
  };
  const options = (box, [from, to], rest) => ({
    width: box.clientWidth,
    height: Number(box.dataset.height),
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false },
      sync: { key: "time", scales: ["x", null] },
      // A bin holds from its left edge to its right one.
      // Another chart's cursor may be at a time outside this chart.
      dataIdx: (u, _series, _nearest, at) => {
        const bin = Math.floor((at - origin) / width) - rest.first;
        return bin >= 0 && bin < u.data[0].length ? bin : null;
      },
    },
    legend: { markers: { width: 0, fill: (_u, series) => (series > nClasses ? "transparent" : colors[series - 1]) } },
    ...rest.plot,
    scales: { x: { time: false, range: (_u, low, high) => (rest.isWhole(low, high) ? [from, to] : [low, high]) }, y: rest.y },
  });

  const trackPlot = (box, track) => {
    const n = track.shown.length;
    const stored = Uint8Array.from(atob(track.probabilities), (byte) => byte.charCodeAt(0));
    const probability = (index, bin) => (stored[index * n + bin] === noScores ? null : stored[index * n + bin] / steps);
    const xs = edges(track.first, n);
    const curves = labels.slice(0, nClasses).map((_, index) => [...Array(n).keys()].map((bin) => probability(index, bin)).concat(null));
    const shown = [...track.shown].map((label) => (label === absent ? null : Number(label))).concat(null);
    const hasScores = (bin) => (curves[0][bin] ?? null) !== null;
    const paint = clipped((u) =>
      eachBin(u, track.first, n, (bin, left, wide) => {
        let below = 0;
        for (let index = 0; index < nClasses; index++) {
          const height = curves[index][bin] ?? 0;
          fill(u, colors[index], left, wide, below, below + height);
          below += height;
        }
        if (below > 0) frame(u, hasScores, bin, left, wide, 0, 1);
        if (shown[bin] === null) return;
        fill(u, paintOf(shown[bin]), left, wide, -0.15, -0.05);
        frame(u, (at) => (shown[at] ?? null) !== null, bin, left, wide, -0.15, -0.05);
      }),
    );
    const series = names.slice(0, nClasses).map((label) => ({ label, paths: () => null, points: { show: false }, value: (_u, value) => percent(value) }));
    const now = { label: "shown", paths: () => null, points: { show: false }, value: (_u, value) => (value == null ? dash : names[value]) };
    return new uPlot(
      options(box, track.range_s, {
        first: track.first,
        isWhole: (low, high) => low === null || (low === xs[0] && high === xs[n]),
        y: { range: [-0.18, 1] },
        plot: {
          series: [{ label: "time", value: (_u, at) => (at == null ? dash : clock(at, digitsOf(width))) }, ...series, now],
          axes: [
            timeAxis,
            {
              font,
              stroke: ink,
              size: 60,
              grid: { show: false },
              ticks: { stroke: line, size: 5 },
              splits: () => [-0.1, 0, 0.25, 0.5, 0.75, 1],
              values: (_u, splits) => splits.map((at) => (at < 0 ? "shown" : percent(at))),
            },
          ],
          hooks: { draw: [paint, paintCuts] },
        },
      }),
      [xs, ...curves, shown],
      box,
    );
  };

  const overviewPlot = (box) => {
    const tracks = page.overview.map((id) => page.tracks[id]);
    const first = Math.min(...tracks.map((track) => track.first));
    const end = Math.max(...tracks.map((track) => track.first + track.shown.length));
    const xs = edges(first, end - first);
    const paint = clipped((u) =>
      tracks.forEach((track, row) =>
        eachBin(u, track.first, track.shown.length, (bin, left, wide) => {
          if (track.shown[bin] === absent) return;
          fill(u, paintOf(Number(track.shown[bin])), left, wide, row + 0.1, row + 0.9);
          frame(u, (at) => (track.shown[at] ?? absent) !== absent, bin, left, wide, row + 0.1, row + 0.9);
        }),
      ),
    );
    const reading = box.parentElement.querySelector(".reading");
    const tell = (u) => {
      // The cursor of another chart has a time, but no row of this chart.
      if (!u.over.matches(":hover")) {
        reading.textContent = "\u00a0";
        return;
      }
      const row = Math.floor(u.posToVal(u.cursor.top, "y"));
      const at = u.posToVal(u.cursor.left, "x");
      const track = u.cursor.left >= 0 && u.cursor.top >= 0 ? tracks[row] : undefined;
      const label = track?.shown[Math.floor((at - origin) / width) - track.first] ?? absent;
      reading.textContent = track ? `${clock(at, 1)} \u00b7 track ${page.overview[row]}: ${label === absent ? "not visible" : names[label]}` : "\u00a0";
    };
    return new uPlot(
      options(box, page.range_s, {
        first,
        isWhole: (low, high) => low === null || (low === xs[0] && high === xs[xs.length - 1]),
        y: { range: [0, tracks.length], dir: -1 },
        plot: {
          legend: { show: false },
          series: [{}, { paths: () => null, points: { show: false } }],
          axes: [
            timeAxis,
            {
              font,
              stroke: ink,
              size: 90,
              grid: { show: false },
              ticks: { show: false },
              splits: () => tracks.map((_, row) => row + 0.5),
              values: () => page.overview.map((id) => `track ${id}`),
            },
          ],
          hooks: { draw: [paint, paintCuts], setCursor: [tell] },
        },
      }),
      [xs, xs.map(() => null)],
      box,
    );
  };

  const boxes = [...document.querySelectorAll(".chart")];
  const plots = new Map();
  const draw = (box) => {
    if (plots.has(box) || box.offsetParent === null) return;
    const id = box.id.replace("track-", "");
    plots.set(box, box.id === "overview" ? overviewPlot(box) : trackPlot(box, page.tracks[id]));
  };
  // Draw a chart when it comes near, so that a page with many of them opens at once.
  const watcher = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
    { rootMargin: "600px" },
  );
  boxes.forEach((box) => watcher.observe(box));
  window.addEventListener("resize", () => plots.forEach((plot, box) => plot.setSize({ width: box.clientWidth, height: plot.height })));
  window.addEventListener("beforeprint", () => boxes.forEach(draw));
})();
