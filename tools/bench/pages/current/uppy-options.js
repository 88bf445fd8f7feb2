import { backend, presign } from './api.js';

/** Options of `@uppy/aws-s3` 6; all others have their defaults. */
export const awsS3 = {
  async signRequest({ method, key, uploadId, partNumber }) {
    if (method === 'PUT' && !uploadId) {
      return { url: await presign(key) };
    }
    return backend('sign', { method, key: `uploads/${key}`, uploadId, partNumber });
  },
};
