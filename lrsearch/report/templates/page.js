const toolbar = {
  displayModeBar: matchMedia("(hover: hover)").matches ? "hover" : false,
  displaylogo: false,
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "autoScale2d", "resetScale2d"]],
};
// A figure needs its width to be drawn: those in a folded part are drawn when it is opened.
function draw(within) {
  for (const place of within.querySelectorAll(".figure:empty")) {
    if (!place.checkVisibility()) continue;
    const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    Plotly.newPlot(place, figure.data, figure.layout, {responsive: true, ...toolbar}).then(scalable);
  }
}
// Plotly draws for one width; with a view box the printed sheet may have another.
function scalable(place) {
  const box = () => {
    const {width, height} = place._fullLayout;
    place.style.setProperty("--ratio", `${width} / ${height}`);
    for (const layer of place.querySelectorAll(".main-svg")) layer.setAttribute("viewBox", `0 0 ${width} ${height}`);
  };
  place.on("plotly_afterplot", box);
  box();
}
function openNamed() {
  const part = document.getElementById(location.hash.slice(1));
  if (part?.matches("details")) {
    part.open = true;
    part.scrollIntoView();
  }
}
for (const part of document.querySelectorAll("details.part")) part.addEventListener("toggle", () => draw(part));
for (const link of document.querySelectorAll("nav a")) link.addEventListener("click", () => setTimeout(openNamed));
addEventListener("hashchange", openNamed);
draw(document);
openNamed();
