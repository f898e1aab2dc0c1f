// kiln train --print: one set-up as a command, a link and a tag, which all give the same run.

import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { kiln, records, shell, SMALL } from './program.js';

const MORE = ['--lr', '2e-2', '--augment', 'flip,crop2', '--epochs', '1'];
let folder: string;

beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), "kiln's spelling-")); });
afterAll(() => rm(folder, { recursive: true }));

async function spelled(what: string, ...args: string[]): Promise<string> {
  const { code, out, err } = await kiln('train', ...args, '--print', what);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out.trim();
}

/** The options of a printed tag. */
function attributes(tag: string): [string, string][] {
  return [...tag.matchAll(/ ([\w-]+)="([^"]*)"/g)].map(([, name, value]) =>
    [name!, value!.replaceAll('&lt;', '<').replaceAll('&quot;', '"').replaceAll('&amp;', '&')]);
}

test('the printed command trains to the same parameters, and prints itself', async () => {
  const run = [...SMALL, ...MORE];
  const command = await spelled('command', ...run);
  const here = command.replace(/^kiln /, 'build/native/kiln ');
  const [given, printed] = await Promise.all(
    [kiln('train', ...run, '--json'), shell(`${here} --json`)]);
  const hash = given.events.at(-1)!['parameterHash'];
  expect(hash).toMatch(/^[0-9a-f]{16}$/);
  expect(printed.events.at(-1)!['parameterHash']).toBe(hash);
  expect((await shell(`${here} --print command`)).out.trim()).toBe(command);
});

test('the command of a fused run names its mode', async () => {
  if (!existsSync('build/native/kiln-fused')) return; // no such processor
  const command = await spelled('command', ...SMALL, '--mode', 'fused');
  expect(command).toMatch(/ --mode=fused$/);
  expect(await spelled('command', ...SMALL)).toBe(command.replace(' --mode=fused', ''));
});

test('link and tag name the same options, no more than differ from the usual', async () => {
  const run = [...SMALL, ...MORE];
  const link = [...new URLSearchParams((await spelled('link', ...run)).replace(/^#/, ''))];
  const tag = attributes(await spelled('tag', ...run));
  expect(link).toEqual(tag);
  expect(Object.fromEntries(link)).toEqual({ net: SMALL[1], train: '200', validation: '50',
    test: '60', augment: 'flip,crop2', epochs: '1', batch: '20', lr: '0.02' });
});

test('files are the kept set of a page, and a path of a command', async () => {
  const file = join(folder, 'data_batch_1.bin');
  await writeFile(file, records(40));
  const data = ['--data', file, '--validation', '10', '--net', 'affine 10 - softmax'];
  expect(await spelled('tag', ...data)).toContain(' data="stored" ');
  expect(await spelled('link', ...data)).toContain('&data=cifar10&');
  const command = (await spelled('command', ...data)).replace(/^kiln /, 'build/native/kiln ');
  expect((await shell(`${command} --print command`)).code).toBe(0); // its quote survives
});

test('what is no spelling, or no set-up, is refused', async () => {
  const wrong = await kiln('train', '--print', 'poem');
  expect([wrong.code, wrong.out, wrong.err])
    .toEqual([2, '', 'kiln: --print: link, tag or command, not "poem"\n']);
  const net = await kiln('train', '--net', 'affine', '--print', 'tag');
  expect([net.code, net.out]).toEqual([2, '']);
});
