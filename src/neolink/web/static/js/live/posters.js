/**
 * The last picture of each camera, kept while the page is open: shown while a stream begins, and
 * dimmed while a camera is away.
 */

const MAX_POSTERS = 64;
const MAX_WIDTH = 1280;

/** @type {Map<string, HTMLCanvasElement>} oldest first */
const posters = new Map();

/** @param {string} camera @param {HTMLVideoElement} video its picture now, if it has one */
export function keepPoster(camera, video) {
  if (video.videoWidth === 0 || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
  const canvas = document.createElement("canvas");
  const scale = Math.min(1, MAX_WIDTH / video.videoWidth);
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
  posters.delete(camera);
  posters.set(camera, canvas);
  if (posters.size > MAX_POSTERS) posters.delete(posters.keys().next().value ?? "");
}

/** @param {string} camera @param {HTMLCanvasElement} canvas @returns {boolean} whether there was one */
export function showPoster(camera, canvas) {
  const poster = posters.get(camera);
  if (poster === undefined) return false;
  canvas.width = poster.width;
  canvas.height = poster.height;
  canvas.getContext("2d")?.drawImage(poster, 0, 0);
  return true;
}

/** Nobody who logs in later may see what was there before. */
export function forgetPosters() {
  posters.clear();
}
