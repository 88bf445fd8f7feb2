import Uppy from '@uppy/core';
import AwsS3 from '@uppy/aws-s3';

import { connect } from '../page.js';

const { apiUrl } = await (await fetch('config.json')).json();

const uppy = new Uppy({ autoProceed: true });
uppy.use(AwsS3, {
  shouldUseMultipart: false,
  // GET /presign needs no adapter: it returns a URL that stores one file once. The type and the length matter where the
  // deployment limits them.
  async getUploadParameters({ name, size, type: known }) {
    const type = known || 'application/octet-stream';
    const query = new URLSearchParams({ key: name, contentType: type, contentLength: size });
    const answer = await fetch(`${apiUrl}/presign?${query}`);
    const result = await answer.json();
    if (!answer.ok) {
      throw new Error(result.error.message);
    }
    return { method: 'PUT', url: result.uploadURL, headers: { 'Content-Type': type } };
  },
});
connect(uppy);
