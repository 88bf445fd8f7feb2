import { uploadFiles } from '@better-upload/client';

import { failed, onPick, stored, tally } from './tally.js';

onPick(async (files) => {
  try {
    await uploadFiles({
      api: '/backend/better-upload',
      route: 'files',
      files,
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
