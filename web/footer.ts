/** The end of the page: help, licence, source, and where data and course are to be had. */

import licence from '../LICENSE?raw';
import { h, link } from './dom.js';
import { strings } from './strings.js';

const words = strings.footer;

export function footer(): HTMLElement {
  const folded = (title: string, ...content: HTMLElement[]): HTMLElement =>
    h('details', {}, h('summary', {}, title), ...content);
  return h(
    'footer',
    { 'aria-label': words.label },
    folded(words.help, ...words.helpText.map((text) => h('p', {}, text))),
    folded(words.licence, h('pre', {}, licence.trim()), h('p', {}, words.credit)),
    h(
      'p',
      { class: 'row' },
      h('a', { href: words.sourceFile, download: true }, words.source),
      link(strings.data.whereUrl, words.data),
      link(words.courseUrl, words.course),
    ),
  );
}
