// The CSV button: downloads the daily numbers of the range with the API's export.

import { $ } from "./dom.js";

/** Download the file, and report an error with `failed(error)`. A link cannot do it, because it cannot send the key. */
export async function download(api, reading, failed) {
  const { from, to } = reading.range;
  $("csv").disabled = true;
  try {
    const { blob, name } = await api.file(`${reading.base}/export`, { dataset: "aggregated", format: "csv", startDate: from, endDate: to });
    const url = URL.createObjectURL(blob), anchor = document.createElement("a");
    Object.assign(anchor, { href: url, download: name });
    anchor.click();
    URL.revokeObjectURL(url);
  } catch (error) {
    failed(error);
  }
  $("csv").disabled = false;
}
