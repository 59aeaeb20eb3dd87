/**
 * Sound of the live picture: on or off and how loud, remembered.
 *
 * It begins silent unless somebody has clicked on this page before: a browser would refuse to
 * play at all otherwise.
 */

import { h, setAttribute, setText, show } from "../core/dom.js";
import { icon, setIcon } from "../core/icons.js";
import { recall, remember } from "../core/memory.js";

const ON = "sound";
const VOLUME = "volume";

export class Sound {
  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
    this.hasSound = true;
    video.volume = Math.min(1, Math.max(0, recall(VOLUME, 1)));
    video.muted = !(recall(ON, false) && navigator.userActivation?.hasBeenActive);
    this.build();
    this.paint();
  }

  build() {
    this.icon = icon("muted");
    this.word = h("span");
    this.button = h(
      "button",
      { type: "button", class: "button quiet labelled", title: "Sound (m)", onclick: () => this.toggle() },
      this.icon,
      this.word,
    );
    this.slider = h("input", {
      type: "range",
      min: "0",
      max: "100",
      step: "5",
      "aria-label": "Volume",
      oninput: () => this.setVolume(this.slider.valueAsNumber / 100),
    });
    this.element = h("div", { class: "sound" }, this.button, this.slider);
  }

  /** Whether somebody may be listening. */
  get isHeard() {
    return this.hasSound && !this.video.muted;
  }

  /** @param {boolean} hasSound whether the stream that plays has any */
  update(hasSound) {
    if (hasSound === this.hasSound) return;
    this.hasSound = hasSound;
    this.paint();
  }

  toggle() {
    if (!this.hasSound) return;
    this.video.muted = !this.video.muted;
    if (!this.video.muted && this.video.volume === 0) this.video.volume = 0.5;
    remember(ON, !this.video.muted);
    remember(VOLUME, this.video.volume);
    this.paint();
  }

  /** @param {number} volume 0 to 1 */
  setVolume(volume) {
    this.video.volume = volume;
    this.video.muted = volume === 0;
    remember(ON, !this.video.muted);
    remember(VOLUME, volume);
    this.paint();
  }

  paint() {
    const isOn = this.isHeard;
    setIcon(this.icon, isOn ? "sound" : "muted");
    setText(this.word, this.hasSound ? (isOn ? "Sound on" : "Sound off") : "No sound");
    setAttribute(this.button, "aria-pressed", this.hasSound ? String(isOn) : null);
    this.button.disabled = !this.hasSound;
    show(this.slider, this.hasSound);
    this.slider.value = String(Math.round((isOn ? this.video.volume : 0) * 100));
  }
}
