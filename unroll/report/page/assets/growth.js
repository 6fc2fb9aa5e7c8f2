// Both graphs and their costs at the T that the slider points to. Only measured T can be chosen.

const VARIANTS = ["static", "dynamic"];
const PICTURE = 320; // the side of each graph's picture, in its own units
const CHART = { width: 220, height: 48, margin: 5 };

function explore(root, growth) {
  const last = growth.steps.length - 1;
  const start = Math.max(0, growth.steps.indexOf(growth.start));
  const slider = html("input", { type: "range", id: "steps", min: 0, max: last, step: 1, value: start });
  const said = html("output", { for: "steps", class: "said" });
  const graphs = html("div", { class: "graphs" });
  const body = html("tbody");
  const head = html("thead", {}, html("tr", {}, ...["cost", ...VARIANTS, "static / dynamic"].map(
    (name) => html("th", { scope: "col", class: VARIANTS.includes(name) ? name : "" }, name))));
  const table = html("table", { class: "costs", "aria-labelledby": "growth-heading" }, head, body);

  function show() {
    const at = Number(slider.value);
    const steps = growth.steps[at];
    slider.setAttribute("aria-valuetext", `T = ${steps}`);
    said.textContent = `T = ${steps}`;
    graphs.replaceChildren(staticGraph(steps, growth.steps[last]), dynamicGraph(steps));
    body.replaceChildren(...growth.costs.map((cost) => costRow(cost, growth.steps, at)));
  }

  slider.addEventListener("input", show);
  if (last > 0) {
    const control = html("div", { class: "control" },
      html("label", { for: "steps" }, "Number of steps, T"), said, slider);
    root.append(control);
  }
  root.append(graphs, html("div", { class: "scroll", role: "region", tabindex: 0, "aria-labelledby": "growth-heading" }, table));
  root.append(html("p", { class: "note" }, "Medians. The lines are drawn on logarithmic axes. A cross: stopped, or failed. " +
    "Where T is not the run's own, the two may not have taken turns: read those factors with care."));
  show();
}

function staticGraph(steps, most) {
  // The largest graph fills the picture, and all others are drawn to its scale, over what is still to come.
  const columns = Math.max(8, Math.ceil(Math.sqrt(most)));
  const pitch = PICTURE / columns;
  const size = pitch * 0.7;
  const middles = Array.from({ length: most }, (_, number) => {
    const row = Math.floor(number / columns);
    const place = number % columns;
    return [((row % 2 ? columns - 1 - place : place) + 0.5) * pitch, (row + 0.5) * pitch];
  });
  const squares = (places) => places.map(([x, y]) => `M${x - size / 2} ${y - size / 2}h${size}v${size}h${-size}z`).join("");
  const present = middles.slice(0, steps);
  const picture = graphPicture(`static: ${count(steps, "cell")}, one after the other`,
    svg("path", { d: squares(middles.slice(steps)), class: "ghost" }),
    svg("path", { d: polyline(present), class: "chain", "stroke-width": Math.max(1, pitch / 10) }),
    svg("path", { d: squares(present), class: "static" }));
  return html("figure", {}, picture, html("figcaption", {}, html("b", { class: "static" }, "static"),
    ` ${count(steps, "cell")} in the graph`));
}

function dynamicGraph(steps) {
  const picture = graphPicture(`dynamic: one cell, and a loop that runs it ${count(steps, "time")}`,
    svg("path", { d: "M200 170h24q16 0 16-16v-56q0-16-16-16h-128q-16 0-16 16v56q0 16 16 16h20m-16-15l16 15l-16 15", class: "loop" }),
    svg("path", { d: "M124 130h72v80h-72z", class: "dynamic" }),
    svg("text", { x: 160, y: 262, "text-anchor": "middle" }, `× ${steps}`));
  return html("figure", {}, picture, html("figcaption", {}, html("b", { class: "dynamic" }, "dynamic"),
    ` 1 cell in the graph, run ${count(steps, "time")}`));
}

const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
const polyline = (places) => "M" + places.map((place) => place.join(" ")).join("L");

function graphPicture(label, ...shapes) {
  return svg("svg", { viewBox: `0 0 ${PICTURE} ${PICTURE}`, role: "img", "aria-label": label }, ...shapes);
}

function costRow(cost, steps, at) {
  const cells = VARIANTS.map((variant) => {
    const point = cost.points[variant][at];
    return html("td", { class: "value" in point ? "" : "lacking" }, point.said);
  });
  return html("tr", {}, html("th", { scope: "row" }, html("span", {}, cost.name), chart(cost.points, steps, at)),
    ...cells, html("td", {}, cost.times[at]));
}

function chart(points, steps, at) {
  const drawn = svg("svg", { viewBox: `0 0 ${CHART.width} ${CHART.height}`, class: "chart", "aria-hidden": "true" });
  const values = VARIANTS.flatMap((variant) => points[variant].map((point) => point.value).filter((value) => value > 0));
  const x = logScale(steps, CHART.margin, CHART.width - CHART.margin);
  const y = logScale(values, CHART.height - CHART.margin, CHART.margin + 6);
  drawn.append(svg("path", { d: `M${x(steps[at])} 0V${CHART.height}`, class: "now" }));
  for (const variant of VARIANTS) {
    const known = points[variant].flatMap((point, number) => point.value > 0 ? [[x(steps[number]), y(point.value)]] : []);
    if (known.length) drawn.append(svg("path", { d: polyline(known), class: `line ${variant}` }));
    points[variant].forEach((point, number) => {
      if (point.lost) drawn.append(cross(x(steps[number]), variant));
    });
    const here = points[variant][at].value;
    if (here > 0) drawn.append(svg("circle", { cx: x(steps[at]), cy: y(here), r: 4, class: variant }));
  }
  return drawn;
}

function cross(x, variant) {
  const y = variant === "static" ? 3 : 8;
  return svg("path", { d: `M${x - 2} ${y - 2}l4 4m0-4l-4 4`, class: `line ${variant}` });
}

function logScale(values, from, to) {
  const logs = values.map(Math.log2);
  const low = Math.min(...logs), span = Math.max(...logs) - low;
  return (value) => (span ? from + (to - from) * (Math.log2(value) - low) / span : (from + to) / 2);
}

const growth = given("growth-data");
if (growth.steps.length) explore(document.getElementById("growth-live"), growth);
