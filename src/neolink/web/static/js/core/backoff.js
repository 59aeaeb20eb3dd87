/** Growing pauses between attempts, with a little chance so that many tiles do not come at once. */

export class Backoff {
  /** @param {number} firstMs @param {number} longestMs @param {() => number} [chance] 0 to 1 */
  constructor(firstMs, longestMs, chance = Math.random) {
    this.firstMs = firstMs;
    this.longestMs = longestMs;
    this.chance = chance;
    this.failures = 0;
  }

  /** @returns {number} milliseconds until the next attempt */
  next() {
    const pause = Math.min(this.longestMs, this.firstMs * 2 ** this.failures);
    this.failures += 1;
    return pause * (0.8 + 0.4 * this.chance());
  }

  reset() {
    this.failures = 0;
  }
}
