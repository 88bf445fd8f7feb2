import AwsS3 from '@uppy/aws-s3';
import Uppy from '@uppy/core';

import { failed, onPick, stored } from './tally.js';
import { awsS3 } from './uppy-options.js';

const uppy = new Uppy({ autoProceed: true }).use(AwsS3, awsS3);
uppy.on('upload-success', stored);
uppy.on('upload-error', (_, error) => failed(error));
onPick((files) => uppy.addFiles(files.map((data) => ({ name: data.name, type: data.type, data }))));
