import AwsS3 from '@uppy/aws-s3';
import Uppy from '@uppy/core';

import { backend, presign } from '../current/api.js';
import { failed, onPick, stored } from '../current/tally.js';

const uppy = new Uppy({ autoProceed: true }).use(AwsS3, {
  getUploadParameters: async ({ name }) => ({ method: 'PUT', url: await presign(name) }),
  createMultipartUpload: ({ name }) => backend('create', { key: `uploads/${name}` }),
  signPart: (_, { key, uploadId, partNumber }) => backend('sign', { method: 'PUT', key, uploadId, partNumber }),
  completeMultipartUpload: (_, { key, uploadId, parts }) => backend('complete', { key, uploadId, parts }),
});
uppy.on('upload-success', stored);
uppy.on('upload-error', (_, error) => failed(error));
onPick((files) => uppy.addFiles(files.map((data) => ({ name: data.name, type: data.type, data }))));
