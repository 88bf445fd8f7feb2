/** A file that S3 has. */
export interface Uploaded {
  name: string;
  /** In bytes. */
  size: number;
  /** Its key in the bucket. */
  key: string;
}

/** A file that was given up. If the uploader itself could not start, there is only `message`. */
export interface Failed {
  name?: string;
  /** In bytes. */
  size?: number;
  /** The error's name, as the help page has it. */
  code?: string;
  /** What happened and what to do, in the user's language. */
  message: string;
  /** What S3 or the API answered. */
  details?: string;
}

/** All files together. */
export interface UploadProgress {
  /** Files on the list. */
  files: number;
  uploaded: number;
  failed: number;
  /** Bytes of all files. */
  size: number;
  /** Bytes sent. */
  sent: number;
}

export interface SlipwayUploadEventMap {
  uploaded: CustomEvent<Uploaded>;
  failed: CustomEvent<Failed>;
  progress: CustomEvent<UploadProgress>;
  /** The API wants an access token, or another one. */
  unauthorized: CustomEvent<null>;
}

/** The element's attributes, as markup has them. */
export interface SlipwayUploadAttributes {
  /** The API's address. Until it is set, the element is empty. */
  api?: string | null;
  /** Accepted types, as in HTML's `accept`. */
  accept?: string | null;
  /** The largest file, in bytes. */
  "max-file-bytes"?: number | string | null;
  /** How many files may be on the list that are not uploaded yet. */
  "max-files"?: number | string | null;
  /** A page that explains errors; the error's name is appended as the fragment. */
  "help-url"?: string | null;
  /** `document`: files can be dropped anywhere in the document. */
  "drop-target"?: "document" | null;
}

/** The element's properties. All but `accessToken` are its attributes. */
export interface SlipwayUploadProperties {
  api: string | null;
  accept: string | null;
  maxFileBytes: number | null;
  maxFiles: number | null;
  helpUrl: string | null;
  dropTarget: "document" | null;
  /** The access token to send to the API. */
  accessToken: string | null;
}

/** Handlers of the element's events as JSX and Svelte name them, such as `onuploaded`. */
export type SlipwayUploadHandlers = {
  [Name in keyof SlipwayUploadEventMap as `on${Name}`]?: (event: SlipwayUploadEventMap[Name]) => void;
};

export interface SlipwayUpload extends SlipwayUploadProperties {}

/** The element `<slipway-upload>`. */
export declare class SlipwayUpload extends HTMLElement {
  static readonly observedAttributes: string[];
  addEventListener<Name extends keyof SlipwayUploadEventMap>(
    type: Name,
    listener: (this: SlipwayUpload, event: SlipwayUploadEventMap[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Name extends keyof SlipwayUploadEventMap>(
    type: Name,
    listener: (this: SlipwayUpload, event: SlipwayUploadEventMap[Name]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void;
}

/**
 * Defines `<slipway-upload>`. `folder` is where the site serves the files of this package, into which
 * `npx slipway-upload FOLDER` copies them; or the address of a deployed uploader.
 */
export declare function defineSlipwayUpload(folder: string | URL): Promise<typeof SlipwayUpload>;

declare global {
  interface HTMLElementTagNameMap {
    "slipway-upload": SlipwayUpload;
  }
}
