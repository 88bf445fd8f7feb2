/** Defines <slipway-upload> by the script in this folder of the site, which has the package's `files`. */
export async function defineSlipwayUpload(folder) {
  const base = new URL(`${folder}`.replace(/\/?$/, "/"), document.baseURI);
  const script = new URL("slipway-upload.js", base).href;
  // No bundler can know where the files are going to be.
  const { SlipwayUpload } = await import(/* @vite-ignore */ /* webpackIgnore: true */ script);
  return SlipwayUpload;
}
