/** Arrow keys between tiles: the geometry is pure, the handler finds the tiles and moves the focus. */

/** @typedef {{left: number, top: number, width: number, height: number}} Box */

const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * @param {Box[]} boxes in reading order @param {number} from @param {string} key
 * @returns {number|null} the place to go to; left and right go on in the next row
 */
export function neighbour(boxes, from, key) {
  if (key === "Home") return 0;
  if (key === "End") return boxes.length - 1;
  const [across, down] = ARROWS[key] ?? [0, 0];
  if (across !== 0) return from + across in boxes ? from + across : null;
  if (down === 0) return null;
  const here = boxes[from];
  const rows = boxes
    .map((box, at) => ({ at, rise: (box.top - here.top) * down, gap: Math.abs(box.left - here.left) }))
    .filter(({ rise }) => rise > here.height / 2)
    .sort((a, b) => (Math.abs(a.rise - b.rise) > here.height / 2 ? a.rise - b.rise : a.gap - b.gap));
  return rows[0]?.at ?? null;
}

/** @param {KeyboardEvent} event @param {HTMLElement[]} stops what can be gone to, in order */
export function roam(event, stops) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const from = stops.findIndex((stop) => stop.contains(document.activeElement));
  const isMove = event.key in ARROWS || event.key === "Home" || event.key === "End";
  if (from < 0 || !isMove) return;
  const to = neighbour(stops.map((stop) => stop.getBoundingClientRect()), from, event.key);
  if (to === null) return;
  event.preventDefault();
  stops[to].querySelector("a")?.focus();
}
