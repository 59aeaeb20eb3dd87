/**
 * Which view is shown, kept in the fragment of the address: `#/` is the wall, `#/camera/NAME` a
 * camera, `#/camera/NAME/sub` one of its streams. No help of the server is needed.
 */

/** @typedef {{view: "wall"}|{view: "camera", name: string, kind: string|null}} Route */

/** @param {string} fragment with its `#` @returns {Route} */
export function parseRoute(fragment) {
  const parts = fragment.replace(/^#\/?/, "").split("/").filter(Boolean).map(decode);
  if (parts[0] === "camera" && parts[1]) {
    return { view: "camera", name: parts[1], kind: parts[2] ?? null };
  }
  return { view: "wall" };
}

/** @param {string} name @param {string|null} [kind] @returns {string} a link's target */
export function cameraLink(name, kind = null) {
  const end = kind === null ? "" : `/${encodeURIComponent(kind)}`;
  return `#/camera/${encodeURIComponent(name)}${end}`;
}

/** @param {(route: Route) => void} onRoute called at once, and for every change */
export function followRoute(onRoute) {
  globalThis.addEventListener("hashchange", () => onRoute(parseRoute(location.hash)));
  onRoute(parseRoute(location.hash));
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
