/** One quantity over the last five minutes, with its value now, and at the pointer. */

import { h, setAttribute, setText, show, svg } from "../core/dom.js";
import { formatMoment } from "../words/format.js";
import { HEIGHT, nearest, niceCeiling, rangeOf, SPAN_MS, toPaths, WIDTH } from "./series.js";

export class Chart {
  /**
   * @param {{name: string, format: (value: number) => string, least: number}} options
   *   `least`: the upper edge is never below it, so that noise does not look like a mountain
   */
  constructor({ name, format, least }) {
    this.name = name;
    this.format = format;
    this.least = least;
    /** @type {import("./series.js").Point[]} */
    this.points = [];
    this.endMs = 0;
    /** @type {number|null} where the pointer is, 0 to 1 */
    this.pointed = null;
    this.build();
  }

  build() {
    this.area = svg("path", { class: "chart-area" });
    this.line = svg("path", { class: "chart-line" });
    this.usual = svg("line", { class: "chart-usual", x1: 0, x2: WIDTH });
    this.cursor = svg("line", { class: "chart-cursor", y1: 0, y2: HEIGHT });
    this.plot = svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
      this.area,
      this.usual,
      this.line,
      this.cursor,
    );
    this.plot.addEventListener("pointermove", (event) => this.point(event));
    this.plot.addEventListener("pointerleave", () => this.point(null));
    this.value = h("span", { class: "chart-value" });
    this.moment = h("span", { class: "chart-moment" });
    this.top = h("span", { class: "chart-top", "aria-hidden": "true" });
    this.element = h(
      "figure",
      { class: "chart" },
      h("figcaption", {}, h("span", { text: this.name }), this.moment, this.value),
      h("div", { class: "chart-plot" }, this.plot, this.top),
    );
  }

  /**
   * @param {import("./series.js").Point[]} points @param {number} endMs the right edge
   * @param {number|null} usual what the quantity should be
   */
  update(points, endMs, usual) {
    this.points = points;
    this.endMs = endMs;
    const range = rangeOf(points);
    const top = niceCeiling(Math.max(this.least, range?.high ?? 0, (usual ?? 0) * 1.1));
    const { line, area } = toPaths(points, endMs, top);
    setAttribute(this.line, "d", line);
    setAttribute(this.area, "d", area);
    const y = usual === null ? null : String(HEIGHT * (1 - usual / top));
    setAttribute(this.usual, "y1", y);
    setAttribute(this.usual, "y2", y);
    setAttribute(this.usual, "visibility", usual === null ? "hidden" : null);
    setText(this.top, range === null ? "" : this.format(top));
    setAttribute(this.plot, "aria-label", this.describe(range));
    this.paintValue();
  }

  describe(range) {
    if (range === null) return `${this.name}: nothing known yet`;
    const [low, high, last] = [range.low, range.high, range.last].map(this.format);
    return `${this.name}: now ${last}; between ${low} and ${high} in the last five minutes`;
  }

  /** @param {PointerEvent|null} event */
  point(event) {
    const box = this.plot.getBoundingClientRect();
    this.pointed = event === null ? null : (event.clientX - box.left) / box.width;
    this.paintValue();
  }

  paintValue() {
    const atMs = this.pointed === null ? null : this.endMs - SPAN_MS * (1 - this.pointed);
    const found = atMs === null ? null : nearest(this.points, atMs);
    const shown = found ?? this.points.at(-1) ?? null;
    const x = found === null ? null : String(WIDTH * (1 - (this.endMs - found.atMs) / SPAN_MS));
    setAttribute(this.cursor, "x1", x);
    setAttribute(this.cursor, "x2", x);
    setAttribute(this.cursor, "visibility", found === null ? "hidden" : null);
    setText(this.value, shown === null ? "–" : this.format(shown.value));
    const words = found === null ? "" : formatMoment(new Date(found.atMs).toISOString(), new Date(), { withSeconds: true });
    setText(this.moment, words);
    show(this.moment, words !== "");
  }
}
