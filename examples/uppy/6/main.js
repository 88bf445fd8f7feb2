import Uppy from '@uppy/core';
import AwsS3 from '@uppy/aws-s3';

import { connect } from '../page.js';
import { slipway } from './slipway.js';

const { apiUrl } = await (await fetch('config.json')).json();

const uppy = new Uppy({ autoProceed: true });
uppy.use(AwsS3, slipway(uppy, apiUrl));
connect(uppy);
