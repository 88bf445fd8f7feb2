import { presign } from './api.js';
import { put } from './put.js';
import { failed, onPick, stored } from './tally.js';

/** How many requests a browser sends to one HTTP/1.1 server at once. */
const PARALLEL = 6;

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
