import Uppy from '@uppy/core';
import AwsS3 from '@uppy/aws-s3';

import { connect } from '../page.js';

const { apiUrl } = await (await fetch('config.json')).json();

const uppy = new Uppy({ autoProceed: true });
uppy.use(AwsS3, {
  shouldUseMultipart: false,
  // The plain contract needs no adapter: one call gives a URL that takes the file once.
  async getUploadParameters({ name }) {
    const answer = await fetch(`${apiUrl}/presign?key=${encodeURIComponent(name)}`);
    const result = await answer.json();
    if (!answer.ok) {
      throw new Error(result.error.message);
    }
    return { method: 'PUT', url: result.uploadURL };
  },
});
connect(uppy);
