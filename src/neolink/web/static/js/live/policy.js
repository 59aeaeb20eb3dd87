/**
 * How far behind the live edge to play, and when to catch up, wait or jump. Pure.
 *
 * The player asks four times a second. A small lag is made up by playing a little faster, which
 * nobody sees; a large one by a jump. Playing a little slower rebuilds a buffer that ran low.
 */

/**
 * @typedef {object} Limits all in seconds of media
 * @property {number} targetS where playback should be behind the newest picture
 * @property {number} lowS below this it slows down
 * @property {number} highS above this it speeds up
 * @property {number} jumpS above this it jumps
 */

/** @type {Limits} */
export const LIVE_EDGE = { targetS: 0.6, lowS: 0.25, highS: 1.0, jumpS: 3.0 };

export const FASTER = 1.06;
export const SLOWER = 0.95;

/** How much a picture may be early or late in a range before it counts as outside. */
const TOLERANCE_S = 0.05;

/**
 * @typedef {object} Situation
 * @property {number} positionS where playback is
 * @property {[number, number][]} ranges what is buffered, rising
 * @property {number} rate what was set last
 */

/**
 * @param {Situation} situation @param {Limits} [limits]
 * @returns {{seekToS: number|null, rate: number, lagS: number|null}}
 */
export function decide({ positionS, ranges, rate }, limits = LIVE_EDGE) {
  const newest = ranges.at(-1);
  if (newest === undefined) return { seekToS: null, rate: 1, lagS: null };
  const [startS, endS] = newest;
  const lagS = endS - positionS;
  const isInside = positionS >= startS - TOLERANCE_S && positionS <= endS + TOLERANCE_S;
  if (!isInside || lagS > limits.jumpS) {
    if (!isInside && canPlayOn(positionS, ranges, newest, limits)) {
      return { seekToS: null, rate: 1, lagS };
    }
    return { seekToS: Math.max(startS, endS - limits.targetS), rate: 1, lagS };
  }
  return { seekToS: null, rate: chooseRate(lagS, rate, limits), lagS };
}

/** An older range is played to its end, if that is soon; only then comes the jump over the gap. */
function canPlayOn(positionS, ranges, newest, limits) {
  if (newest[1] - positionS > limits.jumpS) return false;
  return ranges.some(
    ([startS, endS]) => positionS >= startS - TOLERANCE_S && positionS < endS - TOLERANCE_S,
  );
}

function chooseRate(lagS, rate, limits) {
  if (lagS > limits.highS) return FASTER;
  if (lagS < limits.lowS) return SLOWER;
  if (rate > 1 && lagS > limits.targetS) return rate;
  if (rate < 1 && lagS < limits.targetS) return rate;
  return 1;
}

/** Longer than this nobody is kept waiting for a fuller buffer. */
const LONGEST_FILL_MS = 1500;

/**
 * Whether to hold playback until the buffer is filled, so that it does not stutter along its edge.
 * @param {{isFilling: boolean, fillingMs: number, lagS: number|null, isStarved: boolean}} now
 * @param {Limits} [limits]
 */
export function holdsBack({ isFilling, fillingMs, lagS, isStarved }, limits = LIVE_EDGE) {
  if (lagS === null) return true;
  if (!isFilling) return isStarved && lagS < limits.lowS / 2;
  return lagS < limits.targetS * 0.8 && fillingMs < LONGEST_FILL_MS;
}

/**
 * Up to where old pictures may be removed. A removal always reaches to the next key frame, so it
 * must end just before one, or the group that plays would go with it.
 * @param {number[]} keyTimesS rising @param {number} positionS @param {number} keepS
 * @returns {number|null} seconds; null: nothing worth it
 */
export function trimPoint(keyTimesS, positionS, keepS) {
  let key = null;
  for (const timeS of keyTimesS) {
    if (timeS > positionS - keepS) break;
    key = timeS;
  }
  return key === null || key <= keyTimesS[0] ? null : key - TOLERANCE_S;
}
