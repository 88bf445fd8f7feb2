// Keeps the files that are dropped or pasted before the page's WebAssembly has arrived, and shows the names of what
// was chosen. The page takes the files over when it starts, and the list away (src/early.rs). Loads the style of what an
// empty page does not show, which holds up nothing since a script asks for it.
loadLaterStyle();
takeLink();
addEventListener("hashchange", () => takeLink() && location.reload());
window.slipwayLink = history.state?.link;
// What a link allows has to be known first.
if (window.slipwayLink) document.querySelector("#slipway .early")?.remove();

const pickers = document.querySelectorAll("#slipway input[type=file]");
const notice = document.querySelector("#slipway .drop-zone-notice");
const shownNames = 5;

if (pickers.length > 0) window.slipwayEarly = [];

// Takes an upload link out of the address, where others may see it, into this tab's entry of the history, which stays
// when the page is reloaded (src/effects/link.rs).
function takeLink() {
  const [, link] = /^#link=(.+)/.exec(location.hash) ?? [];
  if (link) history.replaceState({ link }, "", location.pathname + location.search);
  return link;
}

// Tries until it is there: what needs it waits for it (style/slipway.css).
function loadLaterStyle() {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "later.css" });
  link.onerror = () => {
    link.remove();
    setTimeout(loadLaterStyle, 5000);
  };
  document.head.append(link);
}

function keep(event) {
  const transfer = event.dataTransfer ?? event.clipboardData;
  if (!window.slipwayEarly || !transfer?.types.includes("Files")) return;
  if (event.type === "paste" && isText(transfer)) return;
  // Without this the browser would open the file in place of the page.
  event.preventDefault();
  for (const item of event.type === "dragover" ? [] : transfer.items) {
    if (item.kind !== "file") continue;
    window.slipwayEarly.push({
      entry: item.webkitGetAsEntry?.(),
      handle: item.getAsFileSystemHandle?.(),
      file: item.getAsFile(),
    });
  }
  showNames();
}

// Whether a paste is text, as src/effects/files.rs has it.
function isText(pasted) {
  const isFile = (line) => [...pasted.files].some(({ name }) => line.endsWith(name));
  const lines = pasted.getData("text/plain").split(/[\r\n]/);
  return lines.some((line) => line && !isFile(line));
}

function showNames() {
  const picked = [...pickers].flatMap((picker) => [...picker.files]);
  const dropped = window.slipwayEarly.map(({ entry, file }) => entry ?? file);
  const names = [...picked, ...dropped].map(({ name }) => name);
  const more = names.length > shownNames ? [`+${names.length - shownNames}`] : [];
  notice.textContent = [...names.slice(0, shownNames), ...more].join(", ");
}

for (const name of ["dragover", "drop", "paste"]) addEventListener(name, keep);
for (const picker of pickers) picker.addEventListener("change", showNames);
