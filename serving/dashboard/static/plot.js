// plotly, which is loaded after the figures are drawn: it is 1.5 MB that the first paint does not need.

import { token } from "./palette.js";

let loading = null;

/** Return plotly. After a failed download, the next call tries again. */
export function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.body.dataset.plotly;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { loading = null; script.remove(); reject(new Error("The chart library could not be loaded.")); };
    document.head.append(script);
  });
  return loading;
}

/** Draw a chart, or draw it again, in the colours of the theme. */
export async function draw(place, traces, more = {}) {
  const Plotly = await plotly();
  const ink = token("--soft"), line = token("--line"), card = token("--card");
  const axis = { gridcolor: line, linecolor: line, zerolinecolor: token("--faint"), color: ink, fixedrange: true, automargin: true };
  const layout = {
    margin: { l: 8, r: 8, t: 8, b: 8 }, height: 280, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: token("--font"), size: 12, color: ink }, hovermode: "x unified",
    hoverlabel: { bgcolor: card, bordercolor: line, font: { color: token("--ink") } },
    legend: { orientation: "h", y: -0.14, yanchor: "top", x: 0 }, bargap: 0.25, barmode: "relative", ...more,
    xaxis: { ...axis, showgrid: false, ...more.xaxis }, yaxis: { ...axis, rangemode: "normal", ...more.yaxis },
  };
  await Plotly.react(place, traces, layout, { displayModeBar: false, responsive: true });
}
