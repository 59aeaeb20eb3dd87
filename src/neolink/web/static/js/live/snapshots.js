/**
 * A picture every few seconds, where live video is not to be had. Few requests run at once on the
 * whole page: a browser opens six connections to a host, and the news needs one.
 */

const EVERY_MS = 3000;
const MAX_AT_ONCE = 2;

let running = 0;
const waiting = [];

export const SNAPSHOT_EVERY_S = EVERY_MS / 1000;

export class SnapshotSource {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{camera: string, kind: string, width: number}} what
   * @param {import("../core/api.js").Api} api
   * @param {(report: import("./websocket.js").Report) => void} report
   */
  constructor(canvas, what, api, report) {
    this.canvas = canvas;
    this.what = what;
    this.api = api;
    this.report = report;
    this.isOver = false;
    this.timer = 0;
    this.run();
  }

  async run() {
    const startedMs = performance.now();
    const picture = await inTurn(() => (this.isOver ? null : this.fetchPicture()));
    if (this.isOver) return;
    if (picture !== null) {
      paint(this.canvas, picture);
      this.report({ phase: "playing", standIn: null });
    }
    const spentMs = performance.now() - startedMs;
    this.timer = setTimeout(() => this.run(), Math.max(EVERY_MS - spentMs, 500));
  }

  async fetchPicture() {
    try {
      const { picture } = await this.api.snapshot(this.what.camera, this.what.kind, this.what.width);
      return await createImageBitmap(picture);
    } catch (error) {
      if (!this.isOver) this.report({ phase: "waiting", standIn: error.message });
      return null;
    }
  }

  stop() {
    this.isOver = true;
    clearTimeout(this.timer);
  }
}

/**
 * One picture for a place where nothing plays; what there is, however old. No camera is woken for it.
 * @param {{camera: string, kind: string, width: number}} what
 * @returns {Promise<ImageBitmap|null>} null: there is none
 */
export function fetchStill(api, { camera, kind, width }) {
  return inTurn(async () => {
    try {
      return await createImageBitmap((await api.snapshot(camera, kind, width)).picture);
    } catch {
      return null;
    }
  });
}

/** Put a picture on a canvas and free it. @param {HTMLCanvasElement} canvas */
export function paint(canvas, bitmap) {
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
}

async function inTurn(job) {
  if (running >= MAX_AT_ONCE) await new Promise((resolve) => waiting.push(resolve));
  running += 1;
  try {
    return await job();
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}
