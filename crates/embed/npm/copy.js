#!/usr/bin/env node
// slipway-upload FOLDER: copies the uploader's files into a folder that the site serves.
import { cpSync } from "node:fs";

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error("usage: slipway-upload FOLDER");
  process.exit(2);
}
cpSync(new URL("files/", import.meta.url), folder, { recursive: true });
