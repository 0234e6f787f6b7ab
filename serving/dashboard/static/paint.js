// The bars, lines, points and bands of a chart, painted on uPlot's canvas.

import { token } from "./palette.js";

const PALE = 0.45;
const DASHES = [4, 4];
const DOTS = [1, 4];
const BAND = 0.16;

/** Paint all traces of a chart; see `draw` in plot.js for its form. */
export function paint(plot, chart) {
  const { ctx, bbox } = plot, ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top - 4 * ratio, bbox.width, bbox.height + 8 * ratio);
  ctx.clip();
  if (chart.forecast) forecast(plot, chart, ratio);
  if (chart.kind === "bar") bars(plot, chart, ratio);
  else for (const trace of chart.traces) line(plot, chart, trace, ratio);
  if (chart.marks) marks(plot, chart, ratio);
  ctx.restore();
}

/** Paint a flag at the top of each marked place, and a line down from it. */
function marks(plot, { x, marks: texts }, ratio) {
  const { ctx, bbox } = plot;
  Object.assign(ctx, { strokeStyle: token("--bad"), fillStyle: token("--bad"), lineWidth: ratio });
  x.forEach((place, i) => {
    if (!texts[i]) return;
    const across = plot.valToPos(place, "x", true);
    ctx.setLineDash(DASHES.map((n) => n * ratio));
    ctx.beginPath();
    ctx.moveTo(across, bbox.top);
    ctx.lineTo(across, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.beginPath();
    SHAPES["triangle-down"](ctx, across, bbox.top + 4 * ratio, 5 * ratio);
    ctx.fill();
  });
}

/** Paint what is forecast: a wide pale band, a narrower one, and a dotted line in their middle with a point for each day. */
function forecast(plot, { x, forecast: said }, ratio) {
  const { ctx } = plot, spot = (name, i) => [plot.valToPos(x[i], "x", true), plot.valToPos(said[name][i], "y", true)];
  const days = x.map((_, i) => i).filter((i) => said.value[i] !== null), path = (corners) => {
    ctx.beginPath();
    corners.forEach((corner, i) => ctx[i ? "lineTo" : "moveTo"](...corner));
  };
  Object.assign(ctx, { strokeStyle: token("--accent"), fillStyle: token("--accent"), lineWidth: 2 * ratio });
  for (const [low, high] of [["lo95", "hi95"], ["lo80", "hi80"]]) {
    path([...days.map((i) => spot(high, i)), ...days.toReversed().map((i) => spot(low, i))]);
    ctx.globalAlpha = BAND;
    ctx.fill();
  }
  ctx.globalAlpha = 1;
  ctx.setLineDash(DOTS.map((n) => n * ratio));
  path(days.map((i) => spot("value", i)));
  ctx.stroke();
  ctx.setLineDash([]);
  for (const i of days) {
    ctx.beginPath();
    ctx.arc(...spot("value", i), 2 * ratio, 0, 2 * Math.PI);
    ctx.fill();
  }
}

/** Paint bars that stand on one another: gains above zero, losses below. */
function bars(plot, { x, traces }, ratio) {
  const { ctx } = plot, at = (value, axis) => plot.valToPos(value, axis, true);
  const width = Math.max(1, Math.min(0.7 * (at(x[1] ?? x[0] + 1, "x") - at(x[0], "x")), 40 * ratio));
  x.forEach((place, i) => {
    const top = { up: 0, down: 0 }, left = at(place, "x") - width / 2;
    for (const { values, colour, pale } of traces) {
      if (!values[i]) continue;
      const side = values[i] > 0 ? "up" : "down", from = at(top[side], "y");
      top[side] += values[i];
      ctx.globalAlpha = pale[i] ? PALE : 1;
      ctx.fillStyle = colour;
      ctx.fillRect(left, from, width, at(top[side], "y") - from);
    }
  });
  ctx.globalAlpha = 1;
  ctx.strokeStyle = token("--faint");
  ctx.lineWidth = ratio;
  ctx.beginPath();
  ctx.moveTo(plot.bbox.left, at(0, "y"));
  ctx.lineTo(plot.bbox.left + plot.bbox.width, at(0, "y"));
  ctx.stroke();
}

/** Paint a line with its points. It is interrupted where a value is unknown, and dashed to a point on a small basis. */
function line(plot, { x, high }, { values, colour, shape, pale, small }, ratio) {
  const { ctx, bbox } = plot, spot = (i) => [plot.valToPos(x[i], "x", true), plot.valToPos(values[i], "y", true)];
  Object.assign(ctx, { strokeStyle: colour, fillStyle: colour, lineWidth: 2 * ratio, lineJoin: "round" });
  for (let i = 1; i < x.length; i += 1) {
    if (values[i] === null || values[i - 1] === null) continue;
    ctx.setLineDash(small[i] || small[i - 1] ? DASHES.map((n) => n * ratio) : []);
    ctx.beginPath();
    ctx.moveTo(...spot(i - 1));
    ctx.lineTo(...spot(i));
    ctx.stroke();
  }
  ctx.setLineDash([]);
  const size = (x.length > 60 ? 1.6 : 3.4) * ratio;
  for (let i = 0; i < x.length; i += 1) {
    if (values[i] === null) continue;
    const [across, down] = spot(i);
    // A point above the scale stands as an arrow at its upper edge.
    const above = values[i] > high && down < bbox.top;
    ctx.beginPath();
    if (above) SHAPES["triangle-up"](ctx, across, bbox.top + 4 * ratio, 4 * ratio);
    else SHAPES[shape](ctx, across, down, size);
    ctx.fillStyle = pale[i] || small[i] ? token("--card") : colour;
    ctx.fill();
    ctx.stroke();
  }
}

const polygon = (...corners) => (ctx, x, y, r) => {
  corners.forEach(([dx, dy], i) => ctx[i ? "lineTo" : "moveTo"](x + dx * r, y + dy * r));
  ctx.closePath();
};

const SHAPES = {
  circle: (ctx, x, y, r) => ctx.arc(x, y, r, 0, 2 * Math.PI),
  square: polygon([-1, -1], [1, -1], [1, 1], [-1, 1]),
  diamond: polygon([0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]),
  "triangle-up": polygon([0, -1.2], [1.2, 1], [-1.2, 1]),
  "triangle-down": polygon([0, 1.2], [1.2, -1], [-1.2, -1]),
  "triangle-right": polygon([-1, -1.2], [1.2, 0], [-1, 1.2]),
  "triangle-left": polygon([1, -1.2], [1, 1.2], [-1.2, 0]),
  plus: polygon([-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]),
  hourglass: polygon([-1, -1.2], [1, -1.2], [-1, 1.2], [1, 1.2]),
  pentagon: polygon([0, -1.2], [1.2, -0.3], [0.7, 1.1], [-0.7, 1.1], [-1.2, -0.3]),
};
