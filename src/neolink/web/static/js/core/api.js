/**
 * Requests to the bridge. Addresses are relative, so that the page works below a proxy's path.
 *
 * A refused request is an ApiError with the bridge's own words; one that got no answer is a
 * BridgeLost. Whoever is not logged in is told to `onLoginNeeded`.
 */

const TIMEOUT_MS = 10_000;
const CHANGES = { "X-Neolink": "1" };

export class ApiError extends Error {
  /** @param {number} status @param {string} message @param {number|null} retryAfterS */
  constructor(status, message, retryAfterS = null) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

export class BridgeLost extends Error {
  constructor() {
    super("the bridge does not answer");
    this.name = "BridgeLost";
  }
}

export class Api {
  constructor() {
    /** @type {() => void} */
    this.onLoginNeeded = () => {};
  }

  session() {
    return this.json("session");
  }

  /** @param {{user: string, password: string}|{token: string}} credentials */
  async login(credentials) {
    await this.request("session", {
      method: "POST",
      headers: { ...CHANGES, "Content-Type": "application/json" },
      body: JSON.stringify(credentials),
      isLogin: true,
    });
  }

  async logout() {
    await this.request("session", { method: "DELETE", headers: CHANGES });
  }

  async cameras() {
    return (await this.json("cameras")).cameras;
  }

  async history(camera, kind) {
    return (await this.json(`cameras/${enc(camera)}/streams/${enc(kind)}/history`)).samples;
  }

  async log(camera, limit) {
    return (await this.json(`cameras/${enc(camera)}/log?limit=${limit}`)).lines;
  }

  async players() {
    return (await this.json("players")).players;
  }

  /** @param {number} number */
  async endPlayer(number) {
    await this.request(`players/${number}`, { method: "DELETE", headers: CHANGES });
  }

  /** @returns {Promise<{picture: Blob, ageS: number|null}>} */
  async snapshot(camera, kind, width) {
    const response = await this.request(snapshotPath(camera, kind, width));
    const age = Number.parseFloat(response.headers.get("X-Neolink-Age-S") ?? "");
    return { picture: await response.blob(), ageS: Number.isNaN(age) ? null : age };
  }

  async json(path) {
    return (await this.request(path)).json();
  }

  /** @returns {Promise<Response>} an answer that is not an error */
  async request(path, { isLogin = false, ...options } = {}) {
    let response;
    try {
      response = await fetch(`api/v1/${path}`, {
        credentials: "same-origin",
        cache: "no-store",
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...options,
      });
    } catch {
      throw new BridgeLost();
    }
    if (response.ok) return response;
    if (response.status === 401 && !isLogin) this.onLoginNeeded();
    throw await toError(response);
  }
}

/** @param {string} camera @param {string} kind @param {number} [width] @returns {string} */
export function snapshotPath(camera, kind, width) {
  const size = width ? `&width=${width}` : "";
  return `cameras/${enc(camera)}/snapshot.jpg?stream=${enc(kind)}${size}`;
}

/** @returns {string} where a stream's live video is, for a WebSocket */
export function liveUrl(camera, kind, wantsAudio) {
  const path = `api/v1/cameras/${enc(camera)}/streams/${enc(kind)}/live?audio=${wantsAudio ? 1 : 0}`;
  const url = new URL(path, document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** @returns {string} where a stream's HLS playlist is */
export function hlsUrl(camera, kind) {
  return `api/v1/cameras/${enc(camera)}/streams/${enc(kind)}/hls/index.m3u8`;
}

async function toError(response) {
  const retryAfter = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  let message = `the bridge answered ${response.status}`;
  try {
    message = (await response.json()).error.message ?? message;
  } catch {
    // not JSON: a proxy's own page, say
  }
  return new ApiError(response.status, message, Number.isNaN(retryAfter) ? null : retryAfter);
}

function enc(part) {
  return encodeURIComponent(part);
}
