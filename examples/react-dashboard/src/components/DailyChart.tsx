// A chart of uPlot, and the same numbers as a table for those who cannot see it. Unknown days are gaps.

import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Totals } from "../api/types";
import { count } from "../format";

const HEIGHT = 220;

/** A day of the workspace is drawn at its date, which is its label: its instants depend on the workspace's time zone. */
function dataOf(totals: Totals[]): uPlot.AlignedData {
  return [totals.map((row) => Date.parse(row.periodLabel) / 1000), totals.map((row) => row.metrics.followers ?? null)];
}

/** The colours of the page, which differ in dark mode. uPlot asks for them at every drawing. */
function colour(name: string): () => string {
  return () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function optionsOf(width: number): uPlot.Options {
  const axis = { stroke: colour("--text"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(1000 * seconds), "UTC"),
    legend: { show: false },
    axes: [axis, { ...axis, size: 70, values: (_, values) => values.map((value) => count(value)) }],
    series: [{}, { label: "Followers", stroke: colour("--accent"), width: 2 }],
  };
}

function Plot({ totals }: { totals: Totals[] }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);

  useEffect(() => {
    const element = box.current!;
    const drawn = (plot.current = new uPlot(optionsOf(element.clientWidth), [[], []], element));
    const size = new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height: HEIGHT }));
    size.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => drawn.redraw(false);
    dark.addEventListener("change", redraw);
    return () => {
      dark.removeEventListener("change", redraw);
      size.disconnect();
      drawn.destroy();
    };
  }, []);

  useEffect(() => plot.current?.setData(dataOf(totals)), [totals]);

  return <div ref={box} className="chart" role="img" aria-label="Followers by day; the table below has the same numbers." />;
}

export function DailyChart({ totals }: { totals: Totals[] }) {
  if (totals.every((row) => row.metrics.followers === undefined)) return <p className="empty">Nothing was observed yet.</p>;
  return (
    <>
      <Plot totals={totals} />
      <details>
        <summary>Table</summary>
        <div className="wide" tabIndex={0} role="region" aria-label="Followers and engagement by day">
          <table>
            <thead>
              <tr>
                <th scope="col">Day</th>
                <th scope="col">Followers</th>
                <th scope="col">Engagement</th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {totals.map((row) => (
                <tr key={row.periodStart}>
                  <th scope="row">{row.periodLabel}</th>
                  <td>{count(row.metrics.followers)}</td>
                  <td>{count(row.metrics.totalEngagement)}</td>
                  <td>{row.status}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}
