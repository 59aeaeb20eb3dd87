/** Frame rate, bitrate, queue and gaps of the stream that is shown: five minutes, and on. */

import { h, setText } from "../core/dom.js";
import { poll } from "../core/poll.js";
import { formatBitrate, formatBytes, formatDuration, formatFps } from "../words/format.js";
import { streamName } from "../words/names.js";
import { Chart } from "./chart.js";
import { toPoints } from "./series.js";

const EVERY_MS = 2000;

const QUANTITIES = [
  { field: "fps", name: "Frame rate", format: formatFps, least: 5, usual: "nominal_fps" },
  { field: "bitrate_bps", name: "Bitrate", format: formatBitrate, least: 100_000, usual: null },
  { field: "worst_gap_s", name: "Longest gap", format: formatDuration, least: 0.2, usual: null },
  { field: "queued_bytes", name: "Queue", format: formatBytes, least: 100_000, usual: null },
];

export class Graphs {
  /** @param {any} api @param {string} camera */
  constructor(api, camera) {
    this.api = api;
    this.camera = camera;
    /** @type {any} */
    this.stream = null;
    this.charts = QUANTITIES.map((quantity) => new Chart(quantity));
    this.which = h("span", { class: "count" });
    this.element = h(
      "section",
      { class: "card graphs", "aria-labelledby": "graphs-title" },
      h("h2", { id: "graphs-title" }, "Last five minutes ", this.which),
      h("div", { class: "charts" }, ...this.charts.map(({ element }) => element)),
    );
    /** @type {{now: () => void, end: () => void}|null} begun when the stream is known */
    this.poll = null;
  }

  update(_camera, stream) {
    const isOther = stream?.kind !== this.stream?.kind;
    this.stream = stream;
    setText(this.which, stream ? `${streamName(stream.kind)} stream` : "");
    if (this.poll === null) this.poll = poll(EVERY_MS, () => this.load());
    else if (isOther) this.poll.now();
  }

  async load() {
    const stream = this.stream;
    if (!stream) return;
    const samples = await this.api.history(this.camera, stream.kind);
    if (stream.kind === this.stream?.kind) this.paint(samples);
  }

  paint(samples) {
    const endMs = Date.parse(samples.at(-1)?.at ?? "") || Date.now();
    QUANTITIES.forEach(({ field, usual }, at) => {
      const wanted = usual === null ? null : (this.stream[usual] ?? null);
      this.charts[at].update(toPoints(samples, field), endMs, wanted);
    });
  }

  close() {
    this.poll?.end();
  }
}
