/**
 * Pictures large, in a dialog over the page: by click on a picture or by a button; closed by Esc, a
 * click or its own button. While it is open it follows the pictures.
 */

import css from './styles/enlarge.css?inline';
import { h, sheet } from './dom.js';
import { viewStrings as strings } from './strings-views.js';

const words = strings.enlarge;
const EVERY = 500; // milliseconds between two looks at the pictures
const SHARE = { width: 0.88, height: 0.7 }; // of the window, for all pictures together

export interface Picture {
  canvas: HTMLCanvasElement;
  caption: () => string;
}

/**
 * A button that opens the pictures; a click on one of them does so, too, where they are always the
 * same. Others are asked for when they are wanted.
 */
export function enlarger(
  root: ShadowRoot,
  name: () => string,
  pictures: readonly Picture[] | (() => readonly Picture[]),
): HTMLButtonElement {
  const open = (): void =>
    show(root, name(), typeof pictures === 'function' ? pictures() : pictures);
  for (const { canvas } of typeof pictures === 'function' ? [] : pictures) {
    canvas.classList.add('enlargeable');
    canvas.addEventListener('click', open);
  }
  const button = h('button', { type: 'button', class: 'plain', onclick: open }, words.open);
  button.addEventListener('focus', () => button.setAttribute('aria-label', words.label(name())));
  button.setAttribute('aria-label', words.label(name()));
  return button;
}

function show(root: ShadowRoot, name: string, pictures: readonly Picture[]): void {
  const style = sheet(css);
  if (!root.adoptedStyleSheets.includes(style)) root.adoptedStyleSheets.push(style);
  const shown = pictures.filter(({ canvas }) => !canvas.hidden && canvas.width > 0);
  const copies = shown.map(({ canvas }) => ({ canvas, copy: h('canvas', { class: 'pixels' }) }));
  const captions = shown.map(() => h('figcaption'));
  const dialog = h(
    'dialog',
    { 'aria-label': name },
    h('header', {}, h('h2', {}, name), h('button', { type: 'button' }, words.close)),
    h(
      'div',
      { class: 'pictures' },
      ...copies.map(({ copy }, i) => h('figure', {}, copy, captions[i])),
    ),
  );
  const update = (): void => {
    copies.forEach(({ canvas, copy }) => copyLarge(canvas, copy, copies.length));
    captions.forEach((node, i) => node.replaceChildren(shown[i]!.caption()));
  };
  const timer = setInterval(update, EVERY);
  dialog.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => {
    clearInterval(timer);
    dialog.remove();
  });
  root.append(dialog);
  update();
  dialog.showModal();
}

/** As large as the window lets it be, whole screen pixels for each of its own where they fit. */
function copyLarge(from: HTMLCanvasElement, to: HTMLCanvasElement, of: number): void {
  const { innerWidth, innerHeight } = window;
  const across = innerWidth > innerHeight ? of : 1;
  const scale = Math.min(
    (SHARE.width * innerWidth) / across / from.width,
    (SHARE.height * innerHeight * across) / of / from.height,
  );
  to.width = from.width;
  to.height = from.height;
  to.style.width = `${from.width * (scale > 1 ? Math.floor(scale) : scale)}px`;
  to.getContext('2d')!.drawImage(from, 0, 0);
}
