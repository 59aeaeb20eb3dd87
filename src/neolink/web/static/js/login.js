/** Logging in, with a name and a password or with the token. */

import { h, setAttribute, setText, show } from "./core/dom.js";
import { setProse } from "./core/prose.js";

export class LoginView {
  /** @param {import("./core/api.js").Api} api @param {() => void} onLogin */
  constructor(api, onLogin) {
    this.api = api;
    this.onLogin = onLogin;
    this.withToken = false;
    this.timer = 0;
    this.build();
  }

  build() {
    this.user = field("user", "User name", { autocomplete: "username", autocapitalize: "none", spellcheck: "false" });
    this.password = field("password", "Password", { type: "password", autocomplete: "current-password" });
    this.token = field("token", "Token", { type: "password", autocomplete: "off" });
    this.error = h("p", { class: "login-error", id: "login-error", role: "alert" });
    this.submit = h("button", { type: "submit", class: "button primary", text: "Log in" });
    this.other = h("button", { type: "button", class: "link", onclick: () => this.swap() });
    const form = h(
      "form",
      { class: "login-form", onsubmit: (event) => this.send(event) },
      this.user.element,
      this.password.element,
      this.token.element,
      this.error,
      this.submit,
      this.other,
    );
    this.element = h(
      "div",
      { class: "login" },
      h(
        "section",
        { class: "login-card", "aria-labelledby": "login-title" },
        h("img", { src: "static/icon.svg", alt: "", width: "56", height: "56" }),
        h("h1", { id: "login-title", text: "Log in" }),
        h("p", { class: "login-about", text: "Live pictures and health of your cameras." }),
        form,
      ),
    );
    this.paint();
  }

  paint() {
    show(this.user.element, !this.withToken);
    show(this.password.element, !this.withToken);
    show(this.token.element, this.withToken);
    setText(this.other, this.withToken ? "Use a name and a password" : "Use a token instead");
  }

  swap() {
    this.withToken = !this.withToken;
    this.tell("");
    this.paint();
    this.focus();
  }

  async send(event) {
    event.preventDefault();
    const missing = this.fields.find(({ input }) => input.value === "");
    if (missing) {
      this.tell(`${missing.label} is missing.`);
      missing.input.focus();
      return;
    }
    this.submit.disabled = true;
    this.tell("");
    try {
      await this.api.login(this.credentials);
      this.onLogin();
    } catch (error) {
      this.refuse(error);
    } finally {
      this.submit.disabled = this.timer !== 0;
    }
  }

  get fields() {
    return this.withToken ? [this.token] : [this.user, this.password];
  }

  get credentials() {
    return this.withToken
      ? { token: this.token.input.value }
      : { user: this.user.input.value, password: this.password.input.value };
  }

  refuse(error) {
    const words = error.message;
    this.tell(`${words.charAt(0).toUpperCase()}${words.slice(1)}.`);
    const secret = this.fields.at(-1);
    secret?.input.select();
    secret?.input.focus();
    if (error.retryAfterS) this.pause(error.retryAfterS);
  }

  /** Too many were wrong: the button says when it helps to try again. */
  pause(seconds) {
    clearInterval(this.timer);
    const endMs = performance.now() + seconds * 1000;
    const paint = () => {
      const leftS = Math.ceil((endMs - performance.now()) / 1000);
      setText(this.submit, leftS > 0 ? `Log in (in ${leftS} s)` : "Log in");
      if (leftS > 0) return;
      clearInterval(this.timer);
      this.timer = 0;
      this.submit.disabled = false;
    };
    this.timer = setInterval(paint, 500);
    paint();
  }

  tell(words) {
    setProse(this.error, words);
    for (const { input } of this.fields) setAttribute(input, "aria-invalid", words === "" ? null : "true");
  }

  focus() {
    this.fields[0].input.focus();
  }

  close() {
    clearInterval(this.timer);
  }
}

function field(name, label, attributes) {
  const input = h("input", {
    id: `login-${name}`,
    name,
    type: "text",
    "aria-describedby": "login-error",
    ...attributes,
  });
  const element = h("div", { class: "login-field" }, h("label", { for: input.id, text: label }), input);
  return { element, input, label };
}
