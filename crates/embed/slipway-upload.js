// <slipway-upload api="https://…"> — an uploader in any page, from one script tag:
//
//   <script type="module" src="https://uploads.example.com/slipway-upload.js"></script>
//
import init, { embed } from "./embed.js";

const assets = new URL("./", import.meta.url).href;
// The names of the style sheets are filled in when the page is built.
const styles = {styles};

// The element's attributes that are settings of the uploader: the property of each, the setting, and its type.
const settings = {
  api: ["api", "apiUrl", String],
  accept: ["accept", "accept", String],
  "max-file-bytes": ["maxFileBytes", "maxFileBytes", Number],
  "max-files": ["maxFiles", "maxFiles", Number],
  "help-url": ["helpUrl", "helpUrl", String],
};
const dropTarget = "drop-target";

// What is dragged over the document.
const drags = ["dragenter", "dragleave", "dragover", "drop"];

// How long an element that was removed goes on, in milliseconds: frameworks put elements back in another place.
const grace = 1000;

let ready;

export class SlipwayUpload extends HTMLElement {
  static observedAttributes = [...Object.keys(settings), dropTarget];

  #place;
  // The uploader: the settings that it was started with, and a promise of it, or of nothing if it cannot start.
  #running;
  #accessToken;
  #removal;
  #isUpdateDue = false;

  constructor() {
    super();
    // A framework may have set them before this script had loaded; then they hide the accessors.
    for (const name of ["accessToken", ...properties.keys()]) {
      if (Object.hasOwn(this, name)) {
        const value = this[name];
        delete this[name];
        this[name] = value;
      }
    }
    // Other settings wait until nothing is lost by them.
    this.addEventListener("progress", () => this.#updateSoon());
  }

  connectedCallback() {
    clearTimeout(this.#removal);
    for (const name of drags) {
      window.addEventListener(name, this.#onDrag);
    }
    this.#updateSoon();
  }

  disconnectedCallback() {
    for (const name of drags) {
      window.removeEventListener(name, this.#onDrag);
    }
    this.#removal = setTimeout(() => this.#end(), grace);
  }

  // With this, moveBefore() calls neither of the two.
  connectedMoveCallback() {}

  attributeChangedCallback() {
    this.#updateSoon();
  }

  get accessToken() {
    return this.#accessToken ?? null;
  }

  set accessToken(token) {
    const before = this.#accessToken;
    this.#accessToken = token || undefined;
    if (this.#accessToken !== before) {
      this.#running?.uploader.then((uploader) => uploader?.setAccessToken(this.#accessToken));
    }
  }

  // Attributes that are set one after the other are taken together.
  #updateSoon() {
    if (!this.#isUpdateDue) {
      this.#isUpdateDue = true;
      queueMicrotask(() => {
        this.#isUpdateDue = false;
        this.#update();
      });
    }
  }

  // Starts the uploader, or starts it anew if its settings have changed. Another API is taken at once, anything else
  // when nothing is in flight.
  async #update() {
    const wanted = this.#settings();
    const running = this.#running;
    if (!this.isConnected || JSON.stringify(wanted) === JSON.stringify(running?.settings)) {
      return;
    }
    if (running && wanted.apiUrl === running.settings.apiUrl) {
      const uploader = await running.uploader;
      if (this.#running !== running || uploader?.isBusy()) {
        return;
      }
    }
    this.#end();
    // A framework may set the address later.
    if (wanted.apiUrl) {
      this.#start(wanted);
    }
  }

  #start(settings) {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const place = document.createElement("div");
    place.className = "slipway";
    root.replaceChildren(...styles.map(styleSheet), place);
    ready ??= init();
    const started = ready.then(() => embed(place, this, JSON.stringify(settings), assets));
    const uploader = started.catch((error) => {
      ready = undefined;
      this.dispatchEvent(new CustomEvent("failed", { bubbles: true, detail: { message: String(error) } }));
    });
    this.#place = place;
    this.#running = { settings, uploader };
  }

  #end() {
    this.#running?.uploader.then((uploader) => {
      uploader?.end();
      uploader?.free();
    });
    this.#running = undefined;
    this.#place = undefined;
    this.shadowRoot?.replaceChildren();
  }

  #settings() {
    return Object.fromEntries(
      Object.entries(settings)
        .filter(([attribute]) => this.hasAttribute(attribute))
        .map(([attribute, [, name, type]]) => [name, type(this.getAttribute(attribute))]),
    );
  }

  // Hands the uploader what is dragged over the rest of the document. Without that the browser would open a file that
  // is dropped there in place of the page.
  #onDrag = (event) => {
    const isForUs = this.getAttribute(dropTarget) === "document" && event.dataTransfer?.types.includes("Files");
    if (isForUs && !event.defaultPrevented && !event.composedPath().includes(this.#place)) {
      event.preventDefault();
      const { type, dataTransfer } = event;
      this.#place?.dispatchEvent(new DragEvent(type, { dataTransfer, cancelable: true }));
    }
  };
}

// The properties, and the attributes that they are.
const properties = new Map(Object.entries(settings).map(([attribute, [property]]) => [property, attribute]));
properties.set("dropTarget", dropTarget);

for (const [property, attribute] of properties) {
  const isNumber = settings[attribute]?.[2] === Number;
  Object.defineProperty(SlipwayUpload.prototype, property, {
    configurable: true,
    enumerable: true,
    get() {
      const value = this.getAttribute(attribute);
      return isNumber && value !== null ? Number(value) : value;
    },
    set(value) {
      if (value === null || value === undefined) {
        this.removeAttribute(attribute);
      } else {
        this.setAttribute(attribute, value);
      }
    },
  });
}

function styleSheet(name) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = assets + name;
  return link;
}

customElements.define("slipway-upload", SlipwayUpload);
