/** Asking again and again while the page is looked at; never two questions at once. */

/**
 * @param {number} everyMs pause between an answer and the next question
 * @param {() => Promise<void>} job an error of it is left to the banner and the next time
 * @returns {{now: () => void, end: () => void}}
 */
export function poll(everyMs, job) {
  let timer = 0;
  let isRunning = false;
  let isOver = false;
  const run = async () => {
    clearTimeout(timer);
    if (isRunning || isOver || document.hidden) return;
    isRunning = true;
    try {
      await job();
    } catch (error) {
      if (error.name !== "ApiError" && error.name !== "BridgeLost") reportError(error);
    }
    isRunning = false;
    if (!isOver) timer = setTimeout(run, everyMs);
  };
  document.addEventListener("visibilitychange", run);
  run();
  const end = () => {
    isOver = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", run);
  };
  return { now: run, end };
}
