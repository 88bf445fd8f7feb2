/** The progress of a page, for the measuring program. */
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
  endIfFinished();
}

export function failed(error) {
  tally.failed += 1;
  tally.error ??= String(error?.message ?? error);
  endIfFinished();
}

function endIfFinished() {
  if (tally.stored + tally.failed === tally.chosen) {
    tally.ended = performance.now();
  }
}

/** Calls `upload` with the picked files. */
export function onPick(upload) {
  document.querySelector('#file-picker').addEventListener('change', ({ target }) => {
    const files = [...target.files];
    begin(files.length);
    upload(files);
  });
  ready();
}
