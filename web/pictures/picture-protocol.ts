/** What page and worker of pictures say to each other. */

import type { Fit } from './read-picture.js';

export interface Form {
  /** C, H, W. */
  shape: number[];
  fit: Fit;
}

/** A picture to be read: its bytes, or its place in a zip that was listed. */
export interface Wanted {
  name: string;
  source: Blob | { zip: number; entry: number };
}

export type ToPictures =
  | { id: number; type: 'list'; zip: number; file: File; first: number }
  | { id: number; type: 'read'; wanted: Wanted[]; form: Form };

/** A picture that cannot be read has a sentence in the place of pixels. */
export type Read = { pixels: Uint8Array<ArrayBuffer> } | { problem: string };

/** Of the files of a zip that are pictures some, by their places in it; none where that is all. */
export interface Listed {
  entries: { path: string; entry: number }[];
  /** A sentence for each file that is no picture, and should have been unpacked. */
  problems: string[];
}

export type FromPictures =
  | { id: number; listed: Listed }
  | { id: number; read: Read[] }
  | { id: number; error: string };
