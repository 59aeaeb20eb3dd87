/**
 * The icons, drawn on a grid of 20. Each is a list of path data; all are strokes.
 *
 * An icon never stands alone: there is always a word beside it, or a label on its button.
 */

import { setAttribute, svg } from "./dom.js";

/** @type {Record<string, string[]>} */
const PATHS = {
  check: ["M10 2.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 1 0 0-15z", "M6.7 10.2l2.3 2.3l4.4-4.8"],
  warning: ["M10 3l7.6 13.3H2.4z", "M10 8v4", "M10 14.2v.1"],
  unplugged: ["M3 3l14 14", "M6 5.5h6.5a1.5 1.5 0 0 1 1.5 1.5v1.8l3.5-2v6.4", "M3.6 5.9A1.5 1.5 0 0 0 3 7v6a1.5 1.5 0 0 0 1.5 1.5h8.3"],
  key: ["M7 9.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7z", "M9.5 10.5L16.5 3.5", "M13.5 6.5l2.5 2.5"],
  moon: ["M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7z"],
  off: ["M10 2.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 1 0 0-15z", "M4.8 15.2L15.2 4.8"],
  sound: ["M3 8v4h3l4 3.5v-11L6 8z", "M13 7.5a3.5 3.5 0 0 1 0 5", "M15.2 5a7 7 0 0 1 0 10"],
  muted: ["M3 8v4h3l4 3.5v-11L6 8z", "M13 8l4 4", "M17 8l-4 4"],
  fullscreen: ["M3 7.5V3h4.5", "M12.5 3H17v4.5", "M17 12.5V17h-4.5", "M7.5 17H3v-4.5"],
  download: ["M10 3v9.5", "M6 9l4 4l4-4", "M3.5 16.5h13"],
  copy: ["M7.5 7.5h9v9h-9z", "M12.5 7.5v-4h-9v9h4"],
  back: ["M12 4l-6 6l6 6"],
  forward: ["M8 4l6 6l-6 6"],
  people: ["M1.8 10s3-5.5 8.2-5.5S18.2 10 18.2 10s-3 5.5-8.2 5.5S1.8 10 1.8 10z", "M10 7.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 1 0 0-5z"],
  play: ["M6.5 4l9.5 6l-9.5 6z"],
  stop: ["M5.5 5.5l9 9", "M14.5 5.5l-9 9"],
  logout: ["M8 3H3.5v14H8", "M8.5 10H17", "M13.5 6.5L17 10l-3.5 3.5"],
  search: ["M8.5 3a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11z", "M12.5 12.5L17 17"],
  keyboard: ["M2.5 5.5h15v9h-15z", "M5.5 8.5v.1", "M8.5 8.5v.1", "M11.5 8.5v.1", "M14.5 8.5v.1", "M6.5 11.5h7"],
  battery: ["M2.5 6.5h13v7h-13z", "M17.5 9v2", "M5 9v2"],
};

/** @param {string} name @returns {SVGElement} hidden from screen readers */
export function icon(name) {
  const drawing = svg("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" });
  setIcon(drawing, name);
  return drawing;
}

/** @param {SVGElement} drawing @param {string} name */
export function setIcon(drawing, name) {
  if (drawing.getAttribute("data-icon") === name) return;
  setAttribute(drawing, "data-icon", name);
  drawing.replaceChildren(...(PATHS[name] ?? []).map((d) => svg("path", { d })));
}
