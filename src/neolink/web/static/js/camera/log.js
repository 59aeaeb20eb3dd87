/** The camera's recent log lines, the newest first; new ones come by themselves. */

import { h, setChildren, show } from "../core/dom.js";
import { formatMoment } from "../words/format.js";

const MAX_LINES = 200;
const FIRST_LINES = 100;

export class Log {
  /** @param {any} api @param {string} camera */
  constructor(api, camera) {
    this.api = api;
    this.camera = camera;
    /** @type {Map<string, HTMLElement>} by time and text, the oldest first */
    this.lines = new Map();
    this.isClosed = false;
    this.list = h("ol", { class: "log", tabindex: "0", "aria-label": "Log lines, the newest first" });
    this.empty = h("p", { class: "nothing", text: "Nothing was written yet." });
    this.element = h(
      "section",
      { class: "card", "aria-labelledby": "log-title" },
      h("h2", { id: "log-title", text: "Log" }),
      this.empty,
      this.list,
    );
    show(this.list, false);
    this.load();
  }

  update() {}

  async load() {
    let lines;
    try {
      lines = await this.api.log(this.camera, FIRST_LINES);
    } catch {
      return; // the banner tells; it is asked again when the bridge is back
    }
    if (this.isClosed) return;
    for (const line of lines) this.note(line);
    this.paint();
  }

  /** @param {any} line */
  take(line) {
    this.note(line);
    this.paint();
  }

  note(line) {
    const key = `${line.at} ${line.text}`;
    if (this.lines.has(key)) return;
    this.lines.set(key, build(line));
    if (this.lines.size > MAX_LINES) this.lines.delete(this.lines.keys().next().value ?? "");
  }

  paint() {
    const newest = [...this.lines].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, element]) => element);
    setChildren(this.list, newest);
    show(this.empty, newest.length === 0);
    show(this.list, newest.length > 0);
  }

  close() {
    this.isClosed = true;
  }
}

function build({ at, level, text, stream, phase }) {
  const moment = formatMoment(at, new Date(), { withSeconds: true });
  const isPlain = level === "INFO";
  const where = [stream, phase].filter(Boolean).join(", ");
  return h(
    "li",
    { "data-level": level },
    h("time", { datetime: at, text: moment }),
    h(
      "p",
      { title: where || null },
      isPlain ? null : h("strong", { class: "log-level", text: `${level.toLowerCase()} ` }),
      text,
    ),
  );
}
