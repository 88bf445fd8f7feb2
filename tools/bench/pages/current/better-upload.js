import { uploadFiles } from '@better-upload/client';

import { failed, onPick, stored, tally } from './tally.js';

/**
 * Without this limit better-upload starts all files at once, and Chromium refuses most of several thousand requests
 * (`ERR_INSUFFICIENT_RESOURCES`).
 */
const MOST_AT_ONCE = 100;

onPick(async (files) => {
  try {
    await uploadFiles({
      api: '/backend/better-upload',
      route: 'files',
      files,
      uploadBatchSize: MOST_AT_ONCE,
      onFileStateChange({ file }) {
        if (file.status === 'complete') {
          stored();
        } else if (file.status === 'failed') {
          failed(file.error);
        }
      },
    });
  } catch (error) {
    failed(error);
    tally.ended = performance.now();
  }
});
