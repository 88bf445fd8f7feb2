// <slipway-upload api="https://…"> — an uploader in any page, from one script tag:
//
//   <script type="module" src="https://uploads.example.com/slipway-upload.js"></script>
//
import init, { embed } from "./embed.js";

const assets = new URL("./", import.meta.url).href;
// The names of the style sheets are filled in when the page is built.
const styles = {styles};

// The element's attributes, and the settings that they are.
const settings = {
  api: ["apiUrl", String],
  accept: ["accept", String],
  "max-file-bytes": ["maxFileBytes", Number],
  "max-files": ["maxFiles", Number],
  "help-url": ["helpUrl", String],
};

let ready;

class SlipwayUpload extends HTMLElement {
  #embedded;

  connectedCallback() {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    const place = document.createElement("div");
    place.className = "slipway";
    root.replaceChildren(...styles.map(styleSheet), place);
    ready ??= init();
    this.#embedded = ready.then(() => embed(place, this, JSON.stringify(this.#settings()), assets));
    this.#embedded.catch((error) => {
      this.dispatchEvent(new CustomEvent("failed", { bubbles: true, detail: { message: String(error) } }));
    });
  }

  disconnectedCallback() {
    this.#embedded?.then((embedded) => {
      embedded.end();
      embedded.free();
    });
    this.#embedded = undefined;
  }

  #settings() {
    return Object.fromEntries(
      Object.entries(settings)
        .filter(([attribute]) => this.hasAttribute(attribute))
        .map(([attribute, [name, type]]) => [name, type(this.getAttribute(attribute))]),
    );
  }
}

function styleSheet(name) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = assets + name;
  return link;
}

customElements.define("slipway-upload", SlipwayUpload);
