/** Calls of the upload API, and of the backend that the libraries' documentation asks for. */
const { apiUrl } = await (await fetch('config.json')).json();

/** `GET /presign`: a URL for one whole file. */
export async function presign(name) {
  const { uploadURL } = await read(await fetch(`${apiUrl}/presign?key=${encodeURIComponent(name)}`));
  return uploadURL;
}

/** Calls the backend for multipart uploads. */
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
