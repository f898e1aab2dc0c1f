/** The words of the view of people's own pictures, and of what cannot be read as one. */

export const photoWords = {
  title: 'Your own picture',
  choose: 'Choose a picture…',
  hint:
    'Or drop or paste one anywhere on the page: PNG, JPEG, WebP or GIF. It stays on this computer.',
  caption:
    'Cut to a square and scaled to the size of the training images, which is all that the ' +
    'network sees. It knows no other classes than those of its data.',
  untrained: 'The network is untrained: what it says is a guess. Press Start first.',
  label: (name: string, said: string): string => `${name} as the network sees it: ${said}`,
  unnamed: 'The picture',
  inside: 'Through the layers',
  insideOf: (name: string): string => `${name} through the layers`,
  remove: 'Remove the pictures',
  all: 'Your pictures as the network sees them',
  most: (shown: number, all: number): string => `The first ${shown} of ${all} pictures.`,
  svg: (name: string): string =>
    `${name} is an SVG drawing, not a photo: save it as PNG and open that.`,
  heic: (name: string): string =>
    `${name} is a HEIC photo, which browsers cannot read: save it as JPEG and open that.`,
  large: (name: string): string =>
    `${name} is too large: pictures of up to 100 megapixels and 64 MB are read.`,
  broken: (name: string): string =>
    `${name} cannot be read as a picture: it is broken, or no PNG, JPEG, WebP or GIF.`,
} as const;
