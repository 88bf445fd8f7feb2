const uploader = document.querySelector("slipway-upload");
const received = document.getElementById("received");
const progress = document.getElementById("progress");

function tell(text) {
  const item = document.createElement("li");
  item.textContent = text;
  received.append(item);
}

uploader.addEventListener("uploaded", ({ detail: { name, size, key } }) => {
  tell(`${name}, ${size} bytes, is stored as ${key}`);
});

uploader.addEventListener("failed", ({ detail: { name, code, message } }) => {
  tell(`${name} failed (${code}): ${message}`);
});

uploader.addEventListener("progress", ({ detail: { files, uploaded, size, sent } }) => {
  progress.textContent = `${uploaded} of ${files} files, ${sent} of ${size} bytes`;
});
