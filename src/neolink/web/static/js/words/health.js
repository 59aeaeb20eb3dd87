/**
 * What a state of health means: its word, its icon, the sentence under a picture. Pure.
 *
 * The words for reasons come from the bridge; here they are only put together.
 */

import { formatMoment } from "./format.js";

/**
 * @typedef {object} Health
 * @property {string} state
 * @property {string[]} reasons
 * @property {string|null} since
 * @property {string} doing
 */

/**
 * @typedef {object} Meaning
 * @property {string} word as it stands beside the icon
 * @property {string} icon a name of icons.js
 * @property {boolean} needsAttention whether a person should look
 * @property {boolean} isDark whether there is no live picture to expect
 */

/** @type {Record<string, Meaning>} */
export const MEANINGS = {
  ok: { word: "well", icon: "check", needsAttention: false, isDark: false },
  degraded: { word: "degraded", icon: "warning", needsAttention: true, isDark: false },
  offline: { word: "offline", icon: "unplugged", needsAttention: true, isDark: true },
  auth_failed: { word: "login refused", icon: "key", needsAttention: true, isDark: true },
  asleep: { word: "asleep", icon: "moon", needsAttention: false, isDark: true },
  disabled: { word: "disabled", icon: "off", needsAttention: false, isDark: true },
};

const UNKNOWN = { word: "unknown", icon: "warning", needsAttention: true, isDark: false };

/** Worst first: the order of "needs attention first". */
const SEVERITY = ["auth_failed", "offline", "degraded", "ok", "asleep", "disabled"];

/** @param {string} state @returns {Meaning} */
export function meaningOf(state) {
  return MEANINGS[state] ?? { ...UNKNOWN, word: state || UNKNOWN.word };
}

/** @param {string} state @returns {number} smaller is worse; unknown states count as degraded */
export function severityOf(state) {
  const place = SEVERITY.indexOf(state);
  return place < 0 ? SEVERITY.indexOf("degraded") : place;
}

/**
 * @param {Health} health @param {Date} now
 * @param {number|null} nextAttemptS seconds from now until the camera is tried again
 * @returns {{head: string, why: string, doing: string}}
 */
export function explain(health, now, nextAttemptS) {
  const since = health.since ? ` since ${formatMoment(health.since, now)}` : "";
  return {
    head: `${meaningOf(health.state).word}${since}`,
    why: health.reasons.join("; "),
    doing: describeDoing(health.doing, nextAttemptS),
  };
}

/** @param {{head: string, why: string, doing: string}} explained @returns {string} */
export function toSentence({ head, why, doing }) {
  return [[head, why].filter(Boolean).join(" – "), doing].filter(Boolean).join("; ");
}

const ATTEMPT = /trying again (?:now|soon|in [^;,]*)/;

/** A countdown of our own replaces the one in the bridge's words, which stands still. */
function describeDoing(doing, nextAttemptS) {
  if (nextAttemptS === null) return doing;
  const whole = Math.ceil(nextAttemptS);
  const attempt = whole > 0 ? `trying again in ${describeWait(whole)}` : "trying again now";
  if (ATTEMPT.test(doing)) return doing.replace(ATTEMPT, attempt);
  return doing ? `${attempt}; ${doing}` : attempt;
}

function describeWait(seconds) {
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
}

/**
 * @param {{name: string, health: Health}[]} cameras
 * @returns {{isWell: boolean, headline: string, detail: string, attention: number}}
 */
export function summarize(cameras) {
  const total = cameras.length;
  const troubled = cameras
    .filter(({ health }) => meaningOf(health.state).needsAttention)
    .sort((a, b) => severityOf(a.health.state) - severityOf(b.health.state));
  const attention = troubled.length;
  if (total === 0) return { isWell: true, headline: "No camera", detail: "", attention };
  if (attention === 0) {
    return { isWell: true, headline: describeAllWell(cameras), detail: "", attention };
  }
  return {
    isWell: false,
    headline: `${attention} of ${total} ${attention === 1 ? "needs" : "need"} attention`,
    detail: describeTroubled(troubled),
    attention,
  };
}

function describeAllWell(cameras) {
  const resting = cameras.filter(({ health }) => meaningOf(health.state).isDark).length;
  const all = cameras.length === 1 ? `${cameras[0].name} is well` : "All is well";
  if (resting === cameras.length) return cameras.length === 1 ? `${cameras[0].name} rests` : "All rest";
  return resting === 0 ? all : `${all}, ${resting} at rest`;
}

function describeTroubled(troubled) {
  const named = troubled.slice(0, 2).map(({ name, health }) => `${name}: ${meaningOf(health.state).word}`);
  const more = troubled.length - named.length;
  return more > 0 ? `${named.join(", ")}, ${more} more` : named.join(", ");
}
