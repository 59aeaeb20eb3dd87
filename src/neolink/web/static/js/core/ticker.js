/**
 * One timer for everything that repeats, however many tiles there are. It stops when nobody listens.
 */

const listeners = new Map();

/**
 * Call a function again and again.
 * @param {number} everyMs @param {(nowMs: number) => void} callback
 * @returns {() => void} ends it
 */
export function every(everyMs, callback) {
  let group = listeners.get(everyMs);
  if (group === undefined) {
    group = { callbacks: new Set(), timer: 0 };
    listeners.set(everyMs, group);
    group.timer = setInterval(() => run(group), everyMs);
  }
  const entry = { callback };
  group.callbacks.add(entry);
  return () => {
    group.callbacks.delete(entry);
    if (group.callbacks.size > 0 || listeners.get(everyMs) !== group) return;
    clearInterval(group.timer);
    listeners.delete(everyMs);
  };
}

function run(group) {
  const nowMs = performance.now();
  for (const { callback } of [...group.callbacks]) {
    try {
      callback(nowMs);
    } catch (error) {
      reportError(error); // one tile's fault must not stop the others
    }
  }
}
