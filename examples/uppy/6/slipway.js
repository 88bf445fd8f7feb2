/**
 * Lets Uppy 6 upload by Slipway's API: options for `uppy.use(AwsS3, slipway(uppy, apiUrl))`.
 *
 * Every request is bound to its bytes: their SHA-256 is signed, and S3 checks it. Files of up to 16 MiB are one
 * PutObject, larger ones a multipart upload.
 */

const MIB = 1024 * 1024;

/** The largest file that the API plans as one PutObject. */
const SINGLE_PUT_MAX_BYTES = 16 * MIB;

/** The most parts that S3 takes. */
const MAX_PARTS = 10_000;

/**
 * @param {import('@uppy/core').Uppy} uppy The Uppy that uploads.
 * @param {string} apiUrl The API's address, without a slash at its end.
 */
export function slipway(uppy, apiUrl) {
  const api = (path, body) => callApi(`${apiUrl}${path}`, body);

  return {
    shouldUseMultipart: (file) => file.size > SINGLE_PUT_MAX_BYTES,
    getChunkSize: ({ size }) => partSize(size),
    // The API makes the key. Until then, what Uppy calls the key is its id of the file.
    generateObjectKey: (file) => file.id,
    async signRequest({ method, key, uploadId, partNumber }) {
      if (!uploadId) {
        return plan(api, uppy.getFile(key));
      }
      const sign = (operations) => signOperations(api, key, uploadId, operations);
      switch (method) {
        case 'PUT':
          return (await sign([await uploadPart(fileOf(uppy, key, uploadId), partNumber)]))[0];
        case 'GET':
          return (await sign([{ operation: 'ListParts' }]))[0];
        case 'DELETE':
          return (await sign([{ operation: 'AbortMultipartUpload' }]))[0];
        default:
          return complete(sign, fileOf(uppy, key, uploadId));
      }
    },
  };
}

/** The size of every part except the last: 8 MiB, or more if 10,000 parts would not be enough. */
function partSize(fileSize) {
  const least = Math.ceil(fileSize / MAX_PARTS / MIB) * MIB;
  return Math.max(8 * MIB, least);
}

function fileOf(uppy, key, uploadId) {
  const isIt = ({ s3Multipart }) => s3Multipart?.key === key && s3Multipart.uploadId === uploadId;
  return uppy.getFiles().find(isIt);
}

async function callApi(url, body) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const result = await answer.json();
  if (!answer.ok) {
    throw new Error(`${result.error.code}: ${result.error.message}`);
  }
  return result;
}

/** Asks for the request that stores a file, or that creates its multipart upload. */
async function plan(api, { id, name, size, type, data }) {
  const file = { id, name, size, type: type ?? '' };
  if (size <= SINGLE_PUT_MAX_BYTES) {
    file.sha256 = await sha256(data);
  }
  const { files: [planned] } = await api('/uploads', { files: [file] });
  const { url, headers } = planned.put ?? planned.create;
  return { url, headers, key: planned.key };
}

async function signOperations(api, key, uploadId, operations) {
  const { requests } = await api('/sign', { key, uploadId, operations });
  return requests.map(({ signed, error }) => {
    if (error) {
      throw new Error(`${error.code}: ${error.message}`);
    }
    return { url: signed.url, headers: signed.headers };
  });
}

async function uploadPart({ size, data }, partNumber) {
  const start = (partNumber - 1) * partSize(size);
  const part = data.slice(start, start + partSize(size));
  return { operation: 'UploadPart', partNumber, size: part.size, sha256: await sha256(part) };
}

/**
 * Completes a multipart upload in Uppy's place. S3 requires each part's checksum in the body, which Uppy
 * leaves out. Uppy gets S3's answer as a `data:` URL, and takes it for the answer to its own request.
 */
async function complete(sign, { size }) {
  const parts = await listParts(sign);
  const [{ url, headers }] = await sign([{ operation: 'CompleteMultipartUpload', size }]);
  const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
  const answer = await send({ url, headers }, 'POST', body);
  return { url: `data:application/xml,${encodeURIComponent(answer)}` };
}

/**
 * The parts that S3 has, as CompleteMultipartUpload needs them. The elements are copied as text, since a page that
 * requires Trusted Types may not parse XML from a string.
 */
async function listParts(sign) {
  const parts = [];
  let partNumberMarker;
  do {
    const [request] = await sign([{ operation: 'ListParts', partNumberMarker }]);
    const answer = await send(request, 'GET');
    for (const [, part] of answer.matchAll(/<Part>(.*?)<\/Part>/gs)) {
      const elements = part.match(/<(PartNumber|ETag|ChecksumSHA256)>[^<]*<\/\1>/g);
      parts.push(`<Part>${elements.join('')}</Part>`);
    }
    const isTruncated = answer.includes('<IsTruncated>true</IsTruncated>');
    const [, marker] = answer.match(/<NextPartNumberMarker>(\d+)</) ?? [];
    partNumberMarker = isTruncated ? Number(marker) : undefined;
  } while (partNumberMarker !== undefined);
  return parts;
}

/** Sends a control request to S3. CompleteMultipartUpload can answer 200 with an error in the body. */
async function send({ url, headers }, method, body) {
  const answer = await fetch(url, { method, headers, body });
  const text = await answer.text();
  if (!answer.ok || text.includes('<Error>')) {
    throw new Error(`S3 answered ${answer.status}: ${text}`);
  }
  return text;
}

async function sha256(blob) {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}
