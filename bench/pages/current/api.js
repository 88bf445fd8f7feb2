/** Calls of the upload API, and of the backend that the libraries' documentation describes. */
const { apiUrl } = await (await fetch('config.json')).json();

/** `GET /presign`: a URL that takes one file, whole. */
export async function presign(name) {
  const { uploadURL } = await read(await fetch(`${apiUrl}/presign?key=${encodeURIComponent(name)}`));
  return uploadURL;
}

/** Calls the backend of multipart uploads. */
export async function backend(path, body) {
  const headers = { 'content-type': 'application/json' };
  return read(await fetch(`/backend/${path}`, { method: 'POST', headers, body: JSON.stringify(body) }));
}

async function read(answer) {
  if (!answer.ok) {
    throw new Error(`${answer.url} answered ${answer.status}`);
  }
  return answer.json();
}
