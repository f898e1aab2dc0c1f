/**
 * One set-up in the ways that take it elsewhere: a line with an iframe, a tag, a program with the
 * package, a command, a link. Each names the net, the data set and the options that are not as
 * usual, by the same names, and gives back the same run.
 */

import { camelNames, OPTION_NAMES } from '../bindings/option-names.js';
import type { OptionInfo } from '../bindings/types.js';
import { fileName } from './pictures/file-kinds.js';
import { changed, DATA, writeHash, type DataName, type Shown } from './link.js';

/** A set of files as the tag and the package name it. */
const STORED = 'stored';
/** And as their sites do; the program has them in the folder `data` (CIFAR-10 after make data). */
export const ARCHIVES: Record<string, string> = {
  cifar10: 'cifar-10-binary.tar.gz',
  cifar100: 'cifar-100-binary.tar.gz',
};

type Table = readonly OptionInfo[];

/** The attributes of a tag, in order; the query of embed.html is made of the same. */
export function attributesOf(shown: Shown, table: Table): [name: string, value: string][] {
  const data: [string, string][] = isBuiltin(shown) ? [] : [['data', STORED]];
  const persist: [string, string][] = shown.persist ? [['persist', '1']] : [];
  return [['net', onOneLine(shown.net)], ...data, ...changed(shown.options, table), ...persist];
}

/** Without the script that it needs. */
export function elementOf(shown: Shown, table: Table): string {
  const attributes = attributesOf(shown, table).map(([name, value]) => ` ${name}="${html(value)}"`);
  return `<kiln-trainer${attributes.join('')}></kiln-trainer>`;
}

/** `folder`: the address of the element's files, which ends in a slash. */
export function tagOf(shown: Shown, table: Table, folder: string): string {
  return `<script type="module" src="${html(`${folder}kiln-trainer.js`)}"></script>\n` +
    elementOf(shown, table);
}

export function embedAddress(shown: Shown, table: Table, folder: string): string {
  return `${folder}embed.html?${new URLSearchParams(attributesOf(shown, table))}`;
}

/** `title`: what a screen reader says of the frame. */
export function frameOf(shown: Shown, table: Table, folder: string, title: string): string {
  const src = html(embedAddress(shown, table, folder));
  return `<iframe src="${src}" title="${html(title)}" loading="lazy" ` +
    'allow="fullscreen; cross-origin-isolated" ' +
    'style="width: 100%; height: 40rem; border: 0"></iframe>';
}

/** A program in a project that has installed kiln-nn. */
export function programOf(shown: Shown, table: Table): string {
  const camel = camelNames();
  const options = changed(shown.options, table).map(([name, value]) => {
    const key = camel[(OPTION_NAMES as readonly string[]).indexOf(name)] ?? name;
    return `${key}: ${literal(value)}`;
  });
  const data = isBuiltin(shown) ? literal('builtin') : '{ stored: true }';
  return `import { Trainer } from 'kiln-nn';

const trainer = await Trainer.create({
  net: ${literal(onOneLine(shown.net))},
  data: ${data},
  options: {${options.length > 0 ? ` ${options.join(', ')} ` : ''}},
});
await trainer.start();
for await (const { step, loss } of trainer) console.log(step, loss);`;
}

/** For a shell, in the project's folder. */
export function commandOf(shown: Shown, table: Table): string {
  const data = isBuiltin(shown) ? 'builtin' satisfies DataName
    : `data/${ARCHIVES[shown.data] ?? folderOf(shown.data)}`;
  const mode = shown.mode === 'fused' ? [['mode', shown.mode]] : [];
  const words = [['net', onOneLine(shown.net)], ['data', data], ...changed(shown.options, table),
    ...mode];
  return ['build/native/kiln train',
    ...words.map(([name, value]) => `--${name}=${shell(value!)}`)].join(' ');
}

/** `page`: the address of the page, whose own hash is left out. */
export function linkOf(shown: Shown, table: Table, page: string): string {
  return page.replace(/#.*$/, '') + writeHash(shown, table);
}

/** Own pictures lie in the file that the page saves. */
function folderOf(name: string): string {
  return DATA.some((one) => one === name) ? name : `${fileName(name)}.kilnset`;
}

function isBuiltin({ data }: Shown): boolean {
  return data === ('builtin' satisfies DataName);
}

function onOneLine(net: string): string {
  return net.trim().replace(/\s+/g, ' ');
}

function html(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');
}

/** A number as one, where that is the same text. */
function literal(value: string): string {
  return String(Number(value)) === value ? value : `'${value.replace(/[\\']/g, '\\$&')}'`;
}

function shell(value: string): string {
  return /^[\w.,/+-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
