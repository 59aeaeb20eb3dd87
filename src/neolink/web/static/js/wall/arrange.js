/** Which cameras the wall shows, in which order and shape. Pure. */

import { meaningOf, severityOf } from "../words/health.js";

/**
 * @typedef {object} Choice
 * @property {string} search part of a name
 * @property {"config"|"name"|"attention"} order
 * @property {boolean} onlyTroubled
 */

/**
 * @template {{name: string, health: {state: string}}} C
 * @param {C[]} cameras in the order of the configuration @param {Choice} choice
 * @returns {C[]}
 */
export function arrange(cameras, { search, order, onlyTroubled }) {
  const wanted = search.trim().toLocaleLowerCase();
  const chosen = cameras.filter(
    ({ name, health }) =>
      name.toLocaleLowerCase().includes(wanted) &&
      (!onlyTroubled || meaningOf(health.state).needsAttention),
  );
  if (order === "name") return chosen.sort(byName);
  if (order === "attention") return chosen.sort(bySeverity);
  return chosen;
}

/**
 * The shape of the tiles: what most streams have, so that rows stay even and few bars are seen.
 * @param {({width: number, height: number}|null)[]} videos @returns {number} width over height
 */
export function commonRatio(videos) {
  const counts = new Map();
  for (const video of videos) {
    if (!video?.width || !video.height) continue;
    const ratio = Math.round((video.width / video.height) * 100) / 100;
    counts.set(ratio, (counts.get(ratio) ?? 0) + 1);
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  const ratio = most?.[0] ?? 16 / 9;
  return Math.abs(ratio - 16 / 9) < 0.05 ? 16 / 9 : Math.min(Math.max(ratio, 1), 2.4);
}

/** @param {number} count of tiles @returns {number} columns on a screen that is wide enough */
export function columnsOf(count) {
  if (count <= 1) return 1;
  if (count <= 4) return 2;
  return count <= 9 ? 3 : 4;
}

function byName(a, b) {
  return a.name.localeCompare(b.name, "en", { numeric: true });
}

function bySeverity(a, b) {
  return severityOf(a.health.state) - severityOf(b.health.state) || byName(a, b);
}
