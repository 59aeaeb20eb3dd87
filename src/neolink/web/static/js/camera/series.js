/** Numbers over time as lines: scales and paths. Pure; a plot is WIDTH by HEIGHT units. */

export const WIDTH = 300;
export const HEIGHT = 64;
export const SPAN_MS = 300_000;

/** Samples further apart than this are not joined: nothing was known in between. */
const BREAK_MS = 6500;

/** @typedef {{atMs: number, value: number}} Point */

const STEPS = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

/** @param {number} value @returns {number} the next round number that is not below */
export function niceCeiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = STEPS.find((one) => one * power >= value * (1 - 1e-9)) ?? 10;
  return step * power;
}

/**
 * @param {any[]} samples of the API @param {string} field
 * @returns {Point[]} the oldest first; what is not known is left out
 */
export function toPoints(samples, field) {
  return samples
    .map((sample) => ({ atMs: Date.parse(sample.at), value: sample[field] }))
    .filter(({ atMs, value }) => Number.isFinite(atMs) && Number.isFinite(value));
}

/**
 * @param {Point[]} points @param {number} endMs the right edge @param {number} top value at the upper edge
 * @returns {{line: string, area: string}} path data
 */
export function toPaths(points, endMs, top) {
  const runs = [];
  let before = -Infinity;
  for (const { atMs, value } of points) {
    if (endMs - atMs > SPAN_MS) continue;
    if (atMs - before > BREAK_MS) runs.push([]);
    before = atMs;
    const x = WIDTH * (1 - (endMs - atMs) / SPAN_MS);
    const y = HEIGHT * (1 - Math.min(1, Math.max(0, value / top)));
    runs.at(-1).push([round(x), round(y)]);
  }
  const lines = runs.map((run) => `M${run.map(([x, y]) => `${x} ${y}`).join("L")}`);
  const areas = runs.map((run, at) => `${lines[at]}L${run.at(-1)[0]} ${HEIGHT}L${run[0][0]} ${HEIGHT}Z`);
  return { line: lines.join(""), area: areas.join("") };
}

/** @param {Point[]} points @param {number} atMs @returns {Point|null} the one next to a moment */
export function nearest(points, atMs) {
  let best = null;
  for (const point of points) {
    if (best === null || Math.abs(point.atMs - atMs) < Math.abs(best.atMs - atMs)) best = point;
  }
  return best !== null && Math.abs(best.atMs - atMs) <= BREAK_MS ? best : null;
}

/** @param {Point[]} points @returns {{low: number, high: number, last: number}|null} */
export function rangeOf(points) {
  if (points.length === 0) return null;
  const values = points.map(({ value }) => value);
  return { low: Math.min(...values), high: Math.max(...values), last: values.at(-1) ?? 0 };
}

function round(value) {
  return Math.round(value * 10) / 10;
}
