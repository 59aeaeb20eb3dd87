/** The large picture and what can be done with it: sound, streams, full screen, a saved picture. */

import { h, setAttribute, setChildren, setText, show } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { cameraLink } from "../core/router.js";
import { Picture } from "../live/picture.js";
import { formatBitrate, formatFps } from "../words/format.js";
import { codecName, describeVideo, streamName } from "../words/names.js";
import { savePicture } from "./save.js";
import { Sound } from "./sound.js";

const IDLE_MS = 3000;

export class Stage {
  /** @param {any} camera @param {{api: any, abilities: any, store: any}} page */
  constructor(camera, page) {
    this.api = page.api;
    this.camera = camera;
    this.picture = new Picture({
      camera,
      place: "camera",
      page,
      onChange: () => this.paintSound(),
    });
    this.sound = new Sound(this.picture.live.video);
    this.build();
    this.onFullscreen = () => this.followFullscreen();
    document.addEventListener("fullscreenchange", this.onFullscreen);
  }

  build() {
    this.streams = h("nav", { class: "segments", "aria-label": "Streams" });
    /** What plays, in a few words; the page places it. */
    this.facts = h("p", { class: "stage-facts" });
    this.save = button("download", "Save picture", "s", () => this.savePicture());
    this.full = button("fullscreen", "Full screen", "f", () => this.toggleFullscreen());
    this.said = h("p", { class: "stage-said", role: "status" });
    this.controls = h(
      "div",
      { class: "controls" },
      this.sound.element,
      this.streams,
      this.save,
      this.full,
    );
    this.element = h(
      "section",
      { class: "stage", "aria-label": "Live picture", onpointermove: () => this.wake(), onfocusin: () => this.wake() },
      this.picture.element,
      this.controls,
      this.said,
    );
  }

  /** @param {any} camera @param {any} stream which one to show */
  update(camera, stream) {
    this.camera = camera;
    this.stream = stream;
    this.picture.update(camera, stream);
    const { width, height } = stream?.video ?? {};
    const ratio = width && height ? width / height : 16 / 9;
    this.element.style.setProperty("--ratio", String(ratio));
    setChildren(this.streams, camera.streams.map((one, at) => this.linkTo(one, at)));
    show(this.streams, camera.streams.length > 1);
    const flows = (stream?.fps ?? 0) > 0;
    const rates = flows ? [formatFps(stream.fps), formatBitrate(stream.bitrate_bps)] : [];
    setText(this.facts, stream?.video ? [describeVideo(stream.video), ...rates].join(" · ") : "");
    this.paintSound();
  }

  linkTo(stream, at) {
    const link = this.streams.children[at] ?? h("a", {}, h("span"), h("small"));
    setAttribute(link, "href", cameraLink(this.camera.name, stream.kind));
    setAttribute(link, "aria-current", stream.kind === this.stream.kind ? "true" : null);
    setAttribute(link, "title", `${describeVideo(stream.video)} (${at + 1})`);
    setText(link.children[0], streamName(stream.kind));
    setText(link.children[1], stream.video ? codecName(stream.video.codec) : "");
    return link;
  }

  paintSound() {
    if (this.sound === undefined || !this.stream) return; // told by the picture while it is made
    const { way, hasAudio } = this.picture.live.status;
    const isKnown = way === "mse" && this.picture.live.status.phase !== "connecting";
    this.sound.update(way !== "snapshots" && (isKnown ? hasAudio : this.stream.audio !== null));
  }

  see(isSeen) {
    this.picture.see(isSeen);
  }

  tick() {
    this.picture.tick();
  }

  nudge() {
    this.picture.live.nudge();
  }

  // -- actions

  /** @param {string} key @returns {boolean} */
  handleKey(key) {
    const kind = this.camera.streams[Number.parseInt(key, 10) - 1]?.kind;
    if (kind !== undefined) location.hash = cameraLink(this.camera.name, kind);
    else if (key === "m") this.sound.toggle();
    else if (key === "f") this.toggleFullscreen();
    else if (key === "s") this.savePicture();
    else return false;
    return true;
  }

  async savePicture() {
    if (!this.stream || this.save.disabled) return;
    this.save.disabled = true;
    this.tell("");
    try {
      const { picture, ageS } = await this.api.snapshot(this.camera.name, this.stream.kind);
      this.tell(savePicture(picture, this.camera.name, ageS));
    } catch (error) {
      this.tell(`No picture was saved: ${error.message}.`);
    }
    this.save.disabled = false;
  }

  tell(words) {
    setText(this.said, words);
  }

  async toggleFullscreen() {
    const { video } = this.picture.live;
    try {
      if (document.fullscreenElement !== null) await document.exitFullscreen();
      else if (this.element.requestFullscreen) await this.element.requestFullscreen();
      else video.webkitEnterFullscreen?.(); // iPhones: only the video itself
    } catch {
      this.tell("The browser does not allow full screen here.");
    }
  }

  followFullscreen() {
    const isFull = document.fullscreenElement === this.element;
    setText(this.full.querySelector("span"), isFull ? "Leave full screen" : "Full screen");
    this.wake();
  }

  /** In full screen the controls leave while nothing is moved. */
  wake() {
    clearTimeout(this.idling);
    setAttribute(this.element, "data-idle", null);
    if (document.fullscreenElement !== this.element) return;
    this.idling = setTimeout(() => setAttribute(this.element, "data-idle", ""), IDLE_MS);
  }

  close() {
    clearTimeout(this.idling);
    document.removeEventListener("fullscreenchange", this.onFullscreen);
    if (document.fullscreenElement === this.element) document.exitFullscreen().catch(() => {});
    this.picture.close();
  }
}

function button(iconName, label, key, onclick) {
  return h(
    "button",
    { type: "button", class: "button quiet labelled", title: `${label} (${key})`, onclick },
    icon(iconName),
    h("span", { text: label }),
  );
}
