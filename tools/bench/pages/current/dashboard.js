import AwsS3 from '@uppy/aws-s3';
import Uppy from '@uppy/core';
import Dashboard from '@uppy/dashboard';
import GoldenRetriever from '@uppy/golden-retriever';

import '@uppy/core/css/style.min.css';
import '@uppy/dashboard/css/style.min.css';

import { begin, failed, ready, stored, tally } from './tally.js';
import { awsS3 } from './uppy-options.js';

const uppy = new Uppy({ autoProceed: true })
  .use(Dashboard, {
    inline: true,
    target: '#uploader',
    fileManagerSelectionType: 'both',
    theme: 'auto',
    width: '100%',
  })
  .use(GoldenRetriever)
  .use(AwsS3, awsS3);
document.addEventListener('change', ({ target }) => tally.began ?? begin(target.files.length), true);
uppy.on('upload-success', stored);
uppy.on('upload-error', (_, error) => failed(error));
ready();
