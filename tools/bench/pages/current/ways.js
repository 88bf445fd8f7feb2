/**
 * Ways to read, to hash and to send one large file. The page and its worker are this one script.
 */
import { createCRC64, createXXHash128 } from 'hash-wasm';

import { put } from './put.js';

/** How many parts are read at once, as many as Slipway's worker reads large ones. */
const PARALLEL = 2;

/** What is read before a checksum gets it, if that takes pieces. */
const PIECE_BYTES = 256 * 1024;

/** The polynomial of CRC-64/NVME, reflected. */
const NVME = '9a6c9329ac4bc9b5';

/** How a part is read: each calls `take` with bytes until it has taken all of them. */
const readers = {
  arrayBuffer: () => async (part, take) => take(await part.arrayBuffer()),
  bytes: () => async (part, take) => take(await part.bytes()),
  /** The whole part into a buffer that the next part gets, too. */
  byob: (partBytes) => into(new ArrayBuffer(partBytes)),
  pieces: () => into(new ArrayBuffer(PIECE_BYTES)),
};

/** Readers at work. Chromium 156 collects one that only a pending read refers to, and the read never ends. */
const held = new Set();

/** Reads into one buffer, which each read takes away and brings back. */
function into(buffer) {
  return async (part, take) => {
    const reader = part.stream().getReader({ mode: 'byob' });
    held.add(reader);
    for (let filled = 0; ; ) {
      const { value, done } = await reader.read(new Uint8Array(buffer, filled));
      buffer = value.buffer;
      filled += value.byteLength;
      if (filled > 0 && (done || filled === buffer.byteLength)) {
        await take(new Uint8Array(buffer, 0, filled));
        filled = 0;
      }
      if (done) {
        held.delete(reader);
        return;
      }
    }
  };
}

/** A checksum that WebAssembly computes of pieces. */
const inPieces = (create) => async () => {
  const hasher = await create();
  return { begin: () => hasher.init(), take: (piece) => void hasher.update(piece), end: () => hasher.digest() };
};

const checksums = {
  none: () => ({ begin() {}, take() {}, end() {} }),
  sha256: () => ({ begin() {}, take: (bytes) => crypto.subtle.digest('SHA-256', bytes), end() {} }),
  xxh128: inPieces(createXXHash128),
  crc64: inPieces(() => createCRC64(NVME)),
};

/** What is sent for a part. */
const bodies = {
  slice: (part) => part,
  blob: (part) => new Blob(slices(part, part.size / 4)),
  memory: (part) => part.arrayBuffer(),
};

/** Slices of this many bytes; the file itself if it is not larger. */
function slices(file, bytes) {
  if (bytes >= file.size) {
    return [file];
  }
  return Array.from({ length: Math.ceil(file.size / bytes) }, (_, index) => file.slice(index * bytes, (index + 1) * bytes));
}

/** Reads and hashes a file, and returns the milliseconds. */
async function read({ file, how, checksum, partBytes }) {
  const parts = slices(file, partBytes).values();
  const lanes = await Promise.all(
    Array.from({ length: PARALLEL }, async () => ({ read: readers[how](partBytes), ...(await checksums[checksum]()) })),
  );
  let taken = 0;
  const start = performance.now();
  const work = async (lane) => {
    const take = (bytes) => {
      taken += bytes.byteLength;
      return lane.take(bytes);
    };
    for (const part of parts) {
      lane.begin();
      await lane.read(part, take);
      lane.end();
    }
  };
  await Promise.all(lanes.map(work));
  if (taken !== file.size) {
    throw new Error(`${taken} of ${file.size} bytes were read`);
  }
  return performance.now() - start;
}

/** Sends a file to these URLs, one part after another, and returns the milliseconds. */
async function send({ file, how, partBytes, urls }) {
  const start = performance.now();
  for (const [index, part] of slices(file, partBytes).entries()) {
    await put(urls[index], await bodies[how](part));
  }
  return performance.now() - start;
}

if (globalThis.document) {
  const picked = () => document.querySelector('#file-picker').files[0];
  const inWorker = (work) => new Promise((resolve, reject) => {
    const worker = new Worker(import.meta.url, { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(work);
  });
  window.ways = {
    read: (work) => inWorker({ file: picked(), ...work }),
    send: (work) => send({ file: picked(), ...work }),
  };
  window.tally = { ready: true };
} else {
  globalThis.onmessage = ({ data }) => read(data).then(postMessage, reportError);
}
