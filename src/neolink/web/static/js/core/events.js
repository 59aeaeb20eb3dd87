/**
 * The stream of news from the bridge (server-sent events), and with it the answer to "is the
 * bridge there?". Opened only while somebody looks at the page.
 *
 * The browser's own reconnecting is not used: it gives up for good on some answers, and it does
 * not tell how long it waits.
 */

import { Backoff } from "./backoff.js";

const HIDDEN_GRACE_MS = 10_000;
const SILENCE_MS = 20_000;
const WATCH_MS = 5_000;

export class News {
  /**
   * @param {import("./api.js").Api} api @param {import("./store.js").Store} store
   * @param {(camera: string, line: any) => void} onLog
   */
  constructor(api, store, onLog) {
    this.api = api;
    this.store = store;
    this.onLog = onLog;
    this.backoff = new Backoff(1000, 15_000);
    /** @type {EventSource|null} */
    this.source = null;
    this.heardMs = 0;
    this.timer = 0;
    this.watcher = 0;
    this.hiding = 0;
  }

  start() {
    document.addEventListener("visibilitychange", () => this.follow());
    globalThis.addEventListener("online", () => this.retryNow());
    this.open();
  }

  /** Try at once, if it is not connected. */
  retryNow() {
    if (this.source !== null) return;
    this.backoff.reset();
    this.open();
  }

  open() {
    this.close();
    this.heardMs = performance.now();
    const source = new EventSource("api/v1/events");
    this.source = source;
    source.addEventListener("open", () => this.noteUp());
    source.addEventListener("cameras", (event) => {
      this.noteUp();
      this.store.set({ cameras: JSON.parse(event.data).cameras, receivedMs: performance.now() });
    });
    source.addEventListener("log", (event) => {
      const { camera, line } = JSON.parse(event.data);
      this.onLog(camera, line);
    });
    source.addEventListener("error", () => this.lose());
    this.watcher = setInterval(() => this.watch(), WATCH_MS);
  }

  close() {
    clearTimeout(this.timer);
    clearInterval(this.watcher);
    this.source?.close();
    this.source = null;
  }

  noteUp() {
    this.heardMs = performance.now();
    this.backoff.reset();
    if (this.store.state.link !== "up") this.store.set({ link: "up", retryMs: null });
  }

  /** An ended stream is either a bridge that is gone, or a session that is over: ask. */
  async lose() {
    this.close();
    const pauseMs = this.backoff.next();
    this.timer = setTimeout(() => this.open(), pauseMs);
    try {
      await this.api.cameras();
    } catch (error) {
      if (error.name === "ApiError" && error.status === 401) {
        this.close();
        return;
      }
      this.store.set({ link: "down", retryMs: performance.now() + pauseMs });
    }
  }

  /** Nothing was heard for long: a connection that only looks alive is replaced. */
  async watch() {
    if (performance.now() - this.heardMs < SILENCE_MS) return;
    this.heardMs = performance.now();
    const asked = this.source;
    try {
      await this.api.session();
    } catch {
      if (this.source === asked) this.lose();
    }
  }

  follow() {
    clearTimeout(this.hiding);
    if (document.hidden) this.hiding = setTimeout(() => this.close(), HIDDEN_GRACE_MS);
    else this.retryNow();
  }
}
