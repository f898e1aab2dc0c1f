/** The attributes of <kiln-trainer> in the query of embed.html. */

import { bodyWords as words } from '../strings-body.js';
import { elementWords } from '../strings-element.js';
import { ATTRIBUTES, FLAGS } from './attributes.js';

export interface Query {
  attributes: Record<string, string>;
  title: string;
  caption: string;
  /** A sentence for each value that cannot be used here; others the element looks at. */
  problems: string[];
  /** The data come from an address: a link that is opened fetches nothing until it is pressed. */
  waits: boolean;
}

const YES = ['', '1', 'true'];
const NO = ['0', 'false'];
/** What `data` is where it is no address. */
const WITHOUT_ADDRESS = ['', 'builtin', 'stored'];

export function readQuery(search: string): Query {
  const fields = new URLSearchParams(search);
  const query: Query = { attributes: {}, problems: [], waits: false,
    title: fields.get('title')?.trim() ?? '', caption: fields.get('caption')?.trim() ?? '' };
  for (const name of ATTRIBUTES) {
    const value = fields.get(name)?.trim();
    if (value === undefined) continue;
    if (!FLAGS.includes(name)) query.attributes[name] = value;
    else if (YES.includes(value)) query.attributes[name] = '';
    else if (!NO.includes(value)) query.problems.push(words.notOf(name, value, ['1', '0']));
  }
  const { attributes, problems } = query;
  query.waits = !WITHOUT_ADDRESS.includes(attributes['data'] ?? '');
  if (query.waits) {
    attributes['loading'] = 'press';
    if ('autostart' in attributes) problems.push(elementWords.press);
    delete attributes['autostart'];
  }
  return query;
}
