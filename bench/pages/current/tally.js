/** What the measuring program reads of a page: how many files are through, and when. */
export const tally = (window.tally = { chosen: 0, stored: 0, failed: 0, error: null, began: null, ended: null, ready: false });

export function ready() {
  tally.ready = true;
}

export function begin(count) {
  tally.chosen = count;
  tally.began = performance.now();
}

export function stored() {
  tally.stored += 1;
  endIfThrough();
}

export function failed(error) {
  tally.failed += 1;
  tally.error ??= String(error?.message ?? error);
  endIfThrough();
}

function endIfThrough() {
  if (tally.stored + tally.failed === tally.chosen) {
    tally.ended = performance.now();
  }
}

/** Gives the files that are picked to `upload`. */
export function onPick(upload) {
  document.querySelector('#file-picker').addEventListener('change', ({ target }) => {
    const files = [...target.files];
    begin(files.length);
    upload(files);
  });
  ready();
}
