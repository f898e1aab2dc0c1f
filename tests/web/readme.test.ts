// Every command of the README is run as it stands there, in a folder of its own.

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** What make sets for its children would reach the make that a test starts. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(MAKE|MFLAGS|NODE_OPTIONS)/.test(name)));

/** The fenced blocks of a language. */
function blocks(language: string): string[] {
  return [...README.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language).map(([, , text]) => text!);
}

/** The commands of the sh blocks, continued lines joined. */
function commands(): string[] {
  return blocks('sh').flatMap((block) => block.replace(/ *\\\n */g, ' ').trim().split('\n'));
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-readme-'));
  for (const name of ['build', 'package.json']) symlinkSync(join(ROOT, name), join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function shell(command: string, cwd = folder): string {
  return execFileSync('bash', ['-c', command], {
    cwd, env: ENVIRONMENT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** One 512-byte header of a tar archive. */
function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0'.repeat(2), 108);
  header.write(size.toString(8).padStart(11, '0') + '\0', 124);
  header.write('00000000000\0', 136);
  header.write('        0', 148);
  header.write('ustar\0' + '00', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(sum.toString(8).padStart(6, '0') + '\0 ', 148);
  return header;
}

/** An archive laid out as CIFAR-10's, with few images of noise. */
function smallArchive(images: number): Buffer {
  const parts: Buffer[] = [];
  const names = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`).concat('test_batch.bin');
  for (const [file, name] of names.entries()) {
    const records = Buffer.alloc(3073 * images);
    for (let i = 0; i < records.length; i++) {
      records[i] = i % 3073 === 0 ? (i / 3073) % 10 : ((i * 7919) >> 3) + file;
    }
    parts.push(tarHeader(`cifar-10-batches-bin/${name}`, records.length), records,
      Buffer.alloc(-records.length & 511));
  }
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)]));
}

/** Resolves with the page at the address that a command prints; ends the command. */
function pageOf(command: string, address: RegExp): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn('bash', ['-c', command], { cwd: ROOT, env: ENVIRONMENT, detached: true });
    let printed = '';
    let url: string | undefined;
    const hear = (chunk: Buffer) => {
      printed += chunk;
      if (url) return; // more may be printed while the page is fetched
      url = printed.match(address)?.[1];
      if (!url) return;
      fetch(url).then((answer) => answer.text()).then(done, failed)
        .finally(() => process.kill(-child.pid!, 'SIGTERM'));
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('exit', (code) => failed(new Error(`${command} ended with ${code}:\n${printed}`)));
  });
}

describe('the commands of the README', () => {
  const all = commands();

  test('are the ones this file runs', () => {
    expect(all.map((command) => command.split(' ').slice(0, 2).join(' '))).toEqual([
      'make start', 'make test', 'make', 'build/native/kiln train', 'build/native/kiln eval',
      'build/native/kiln sweep', 'build/native/kiln sweep', 'build/native/kiln report',
      'make bindings', 'npm pack', 'make data', 'build/native/kiln train',
    ]);
  });

  test('make start serves the page and prints its address', async () => {
    const page = await pageOf(`${all[0]} PORT=8740`, /(http:\/\/localhost:\d+\/)/);
    expect(page).toContain('<title>');
  });

  test('make test is what runs these tests, here and in .ci/run', () => {
    expect(readFileSync(join(ROOT, '.ci/run'), 'utf8')).toMatch(/^\s*(if )?(! )?make test\b/m);
    expect(readFileSync(join(ROOT, 'tests/tests.mk'), 'utf8')).toMatch(/^test:/m);
    expect(readFileSync(join(ROOT, 'Makefile'), 'utf8')).toMatch(/^include .*tests\/tests\.mk/m);
  });

  test('make builds, and the program trains, saves and evaluates', () => {
    shell(all[2]!, ROOT);
    shell(`${all[3]} --train 600 --validation 100`);
    expect(existsSync(join(folder, 'model.safetensors'))).toBe(true);
    expect(shell(`${all[4]} --json`)).toMatch(/"accuracy":0\.\d+/);
  });

  test('sweep trains here and by GNU parallel, and report makes a page of it', () => {
    const ends = () => [1, 2, 3, 4, 5, 6].map((n) => JSON.parse(readFileSync(
      join(folder, `runs/${n}.json`), 'utf8').trim().split('\n').at(-1)!) as
      { event: string; parameterHash: string });
    const hashes = (command: string) => {
      shell(command);
      return ends().map(({ event, parameterHash }) => [event, parameterHash]);
    };
    const here = hashes(all[5]!);
    expect(here.map(([event]) => event)).toEqual(Array(6).fill('done'));
    expect(hashes(all[6]!)).toEqual(here);
    shell(all[7]!);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('<h1>6 runs</h1>');
  });

  test('make data fetches and checks an archive, and the program trains on it', () => {
    const archive = smallArchive(40);
    mkdirSync(join(folder, 'official'));
    const file = join(folder, 'official', 'cifar-10-binary.tar.gz');
    writeFileSync(file, archive);
    const md5 = createHash('md5').update(archive).digest('hex');
    const from = `CIFAR_URL=${pathToFileURL(file)} DATA=${join(folder, 'data')}`;
    expect(() => shell(`${all[10]} ${from}`, ROOT)).toThrow(/not the official archive/);
    shell(`${all[10]} ${from} CIFAR_MD5=${md5}`, ROOT);
    const events = shell(`${all[11]} --max-steps 2 --json`);
    expect(events).toMatch(/"event":"done"/);
  });
});

test('the picture of the README is there', () => {
  const [, picture] = README.match(/!\[.*\]\((.*)\)/)!;
  expect(existsSync(join(ROOT, picture!))).toBe(true);
});

test('the npm example, at most eight lines, runs against the packed package', () => {
  const [example] = blocks('js');
  expect(example!.trim().split('\n').length).toBeLessThanOrEqual(8);
  const home = join(folder, 'npm');
  mkdirSync(home);
  const [make, pack] = commands().slice(8);
  shell(make!, ROOT);
  const packed = shell(
    `${pack} --ignore-scripts --silent --pack-destination '${home}'`, ROOT).trim();
  expect(README).toContain(`\`npm install path/to/kiln/${packed}\``);
  writeFileSync(join(home, 'package.json'), '{"name":"reader","private":true,"type":"module"}');
  shell(`npm install --ignore-scripts --no-audit --no-fund --offline ./${packed}`, home);
  writeFileSync(join(home, 'example.js'), example!);
  const lines = shell('node example.js', home).trim().split('\n');
  expect(lines.length).toBeGreaterThan(2);
  expect(Number(lines.at(-1))).toBeGreaterThan(0.1);
});

test('the notations of the README are read by the parser', () => {
  const notations = blocks('').find((block) => block.startsWith('conv'))!.trim().split('\n');
  expect(notations).toHaveLength(3);
  for (const notation of notations) {
    expect(shell(`build/native/kiln summary --net "${notation}"`, ROOT)).toBeDefined();
  }
});
