/** What the panel “Put it in your course” says. */

export const courseWords = {
  title: 'Put it in your course',
  explain: 'What these lines are',
  terms:
    'Each line holds the set-up shown here: network, data set and every changed setting. A page ' +
    'that takes only frames wants the first, any other page the tag; a learning platform shows ' +
    'the page that the link opens. Addresses are those of this site: put the folder “element” ' +
    'on your own and they begin there.',
  persist: 'Keep the reader’s run in their browser (frame and tag)',
  ways: {
    frame: 'Frame, for learning platforms and notebooks',
    tag: 'Tag, for a page of your own',
    program: 'Program, in a project with kiln-nn',
    command: 'Command, in the project’s folder',
    link: 'Link to this page',
  },
  copy: (way: string): string => `Copy ${way}`,
  kinds: { frame: 'frame', tag: 'tag', program: 'program', command: 'command', link: 'link' },
  copied: (kind: string): string => `The ${kind} was copied.`,
  notCopied: 'The browser did not allow copying: the text is selected, copy it by hand.',
  frameTitle: 'A network that learns: kiln',
  long: (characters: number, safe: number): string =>
    `The link has ${characters.toLocaleString('en')} characters, and some programs cut one off ` +
    `after ${safe.toLocaleString('en')}: write layers that are repeated as [...]x3, or take the ` +
    'tag or the command.',
  preview: 'Preview',
  wide: (pixels: number): string => `${pixels} pixels wide`,
  previewOf: (pixels: number): string => `Preview, ${pixels} pixels wide`,
  close: 'Close the preview',
  stale: 'The set-up has changed since: open the preview again to see it.',
};
