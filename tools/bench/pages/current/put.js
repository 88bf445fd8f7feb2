/** Sends a file or a part of one to S3. */
export function put(url, file) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', url);
    request.onload = () => (request.status === 200 ? resolve() : reject(new Error(`S3 answered ${request.status}`)));
    request.onerror = () => reject(new Error('S3 did not answer'));
    request.send(file);
  });
}
