/** What short names of the API are called in front of people. Pure. */

const TRANSPORTS = {
  tcp: "TCP",
  udp: "UDP",
  mixed: "TCP and UDP",
  multicast: "multicast",
  websocket: "browser",
  hls: "HLS",
};

const CODECS = { H264: "H.264", H265: "H.265", L16: "PCM" };

const CONNECTIONS = {
  idle: "left alone, nobody needs it",
  connecting: "connecting",
  connected: "connected",
  waiting: "waiting to try again",
  auth_failed: "login refused",
  unsupported: "not supported",
};

/** The order matters: each browser also carries the names of those below. */
const BROWSERS = [
  [/\bEdgA?\/(\d+)/, "Edge"],
  [/\bFirefox\/(\d+)/, "Firefox"],
  [/\b(?:Chrome|HeadlessChrome|CriOS)\/(\d+)/, "Chrome"],
  [/\bVersion\/(\d+)[\d.]* (?:Mobile\/\S+ )?Safari\//, "Safari"],
];

/** @param {string} transport @returns {string} */
export function transportName(transport) {
  return TRANSPORTS[transport] ?? transport;
}

/** @param {string} codec @returns {string} */
export function codecName(codec) {
  return CODECS[codec] ?? codec.toUpperCase();
}

/** @param {string} state of a connection to a camera @returns {string} */
export function connectionName(state) {
  return CONNECTIONS[state] ?? plain(state);
}

/** @param {string} kind @returns {string} "Main" */
export function streamName(kind) {
  return kind.charAt(0).toUpperCase() + kind.slice(1);
}

/** @param {string} agent as a player names itself @returns {string} "VLC 3.0.18", "Firefox 131" */
export function agentName(agent) {
  for (const [pattern, name] of BROWSERS) {
    const found = pattern.exec(agent);
    if (found) return `${name} ${found[1]}`;
  }
  if (agent.startsWith("Mozilla/")) return "browser";
  const [product] = agent.trim().split(/[\s(]/);
  return product ? product.replace("/", " ") : "unnamed player";
}

/** @param {{codec: string, width: number, height: number}|null} video @returns {string} */
export function describeVideo(video) {
  if (video === null) return "not seen yet";
  const size = video.width && video.height ? ` ${video.width} × ${video.height}` : "";
  return `${codecName(video.codec)}${size}`;
}

/** @param {{codec: string, clock_rate: number}|null} audio @returns {string} */
export function describeAudio(audio) {
  return audio === null ? "none" : `${codecName(audio.codec)} ${audio.clock_rate / 1000} kHz`;
}

/**
 * Counters by reason, those that counted something.
 * @param {Record<string, number>} counts @returns {string} "2 timeout, 1 closed by camera"
 */
export function describeCounts(counts) {
  const told = Object.entries(counts).filter(([, count]) => count > 0);
  return told.map(([reason, count]) => `${count} ${plain(reason)}`).join(", ") || "none";
}

/** @param {string} name @returns {string} `closed_by_camera` as words */
export function plain(name) {
  return name.replaceAll("_", " ");
}
