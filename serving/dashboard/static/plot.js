// plotly, fetched when the figures stand: it is 1.5 MB that the first paint does not need.

import { token } from "./palette.js";

let loading = null;

/** Return the library. A failed download is tried again at the next call. */
export function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.body.dataset.plotly;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { loading = null; script.remove(); reject(new Error("The charts' library could not be fetched.")); };
    document.head.append(script);
  });
  return loading;
}

/** Draw, or draw again, in the colours of the theme. */
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
