// Keeps the files that are dropped or pasted before the page's WebAssembly has arrived, and shows the names of what
// was chosen. The page takes the files over when it starts, and the list away (src/early.rs).
const pickers = document.querySelectorAll("#slipway input[type=file]");
const notice = document.querySelector("#slipway .drop-zone-notice");
const shownNames = 5;

if (pickers.length > 0) window.slipwayEarly = [];

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
