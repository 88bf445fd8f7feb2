import { presign } from './api.js';
import { failed, onPick, stored } from './tally.js';

/** How many requests a browser sends to one HTTP/1.1 server at once. */
const PARALLEL = 6;

function put(url, file) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', url);
    request.onload = () => (request.status === 200 ? resolve() : reject(new Error(`S3 answered ${request.status}`)));
    request.onerror = () => reject(new Error('S3 did not answer'));
    request.send(file);
  });
}

onPick((files) => {
  const queue = files.values();
  const work = async () => {
    for (const file of queue) {
      await put(await presign(file.name), file).then(stored, failed);
    }
  };
  for (let worker = 0; worker < PARALLEL; worker += 1) {
    work();
  }
});
