"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const config = {
    displaylogo: false,
    responsive: true,
    // plotly.js offers to send charts to a server unless told otherwise.
    showSendToCloud: false,
    plotlyServerURL: "",
    modeBarButtons: [["zoomIn2d", "zoomOut2d", "resetScale2d"]],
  };
  const boxes = [...document.querySelectorAll(".chart")];
  const draw = (box) => {
    if (box.dataset.drawn || box.offsetParent === null) return;
    box.dataset.drawn = "yes";
    Plotly.newPlot(box, charts[box.id].data, charts[box.id].layout, config);
  };
  // Drawn when they come near, so that a page with many of them opens at once.
  const watcher = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
    { rootMargin: "600px" },
  );
  boxes.forEach((box) => watcher.observe(box));
  window.addEventListener("beforeprint", () => boxes.forEach(draw));
})();
