/**
 * What the page knows: who is logged in, how the cameras are, whether the bridge answers.
 *
 * Views subscribe and are called with the whole state; they change only what differs.
 */

/**
 * @typedef {object} State
 * @property {{user: string|null, needs_login: boolean, has_session: boolean, may_kick: boolean,
 *            version: string}|null} session
 * @property {any[]|null} cameras as the API gives them; null: not known yet
 * @property {number} receivedMs when, on the clock of `performance`
 * @property {"connecting"|"up"|"down"} link
 * @property {number|null} retryMs when the bridge is tried again, on the same clock
 */

export class Store {
  constructor() {
    /** @type {State} */
    this.state = { session: null, cameras: null, receivedMs: 0, link: "connecting", retryMs: null };
    this.listeners = new Set();
  }

  /** @param {Partial<State>} change */
  set(change) {
    this.state = { ...this.state, ...change };
    for (const listener of [...this.listeners]) listener(this.state);
  }

  /** @param {(state: State) => void} listener called at once, too @returns {() => void} ends it */
  subscribe(listener) {
    this.listeners.add(listener);
    listener(this.state);
    return () => this.listeners.delete(listener);
  }

  /** Seconds until the camera is tried again, counted down since the bridge said so. */
  nextAttemptS(camera) {
    const saidS = camera.connection?.next_attempt_in_s ?? null;
    return saidS === null ? null : saidS - (performance.now() - this.state.receivedMs) / 1000;
  }
}
