/** What a file is, by its name and type: who takes it is decided by that. */

/** A file as it was dropped or picked, and its place in the folders that came with it. */
export interface Found {
  file: File;
  /** Folders with slashes, then the name. */
  path: string;
}

/** A picture: by its type, or its name where the system knows no type. */
export function isPhoto({ type, name }: { type?: string; name: string }): boolean {
  return (
    /^image\//.test(type ?? '') || /\.(png|jpe?g|jfif|webp|gif|bmp|avif|hei[cf]|svg)$/i.test(name)
  );
}

export function isZip({ name }: { name: string }): boolean {
  return /\.zip$/i.test(name);
}

/** A file of a data set that the library reads. */
function isData({ name }: { name: string }): boolean {
  return /\.(bin|gz|tgz|tar|kilnset)$|-ubyte$/i.test(name);
}

/**
 * Pictures to train on: a zip, or pictures in folders, or more loose ones than are shown to the
 * network by themselves.
 */
export function areOwnPictures(found: readonly Found[], most: number): boolean {
  if (found.some(({ file }) => isZip(file))) return true;
  const photos = found.filter(({ file }) => isPhoto(file));
  const folders = photos.some(({ path }) => path.includes('/'));
  const isSet = found.some(({ file }) => isData(file));
  return !isSet && photos.length > 0 && (folders || photos.length > most);
}

/** A name that every system takes for a file. */
export function fileName(name: string): string {
  return name.replace(/[^\p{L}\p{N}._ -]/gu, '_').replace(/^[. ]+/, '') || 'pictures';
}
