// Runs the native program, and makes small files of CIFAR-10 for it.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export const KILN = 'build/native/kiln';
export const NET = 'conv 3x3x4 stride 2 - relu - maxpool 4 - affine 10 - softmax';
export const SMALL = [
  '--net', NET, '--train', '200', '--validation', '50', '--test', '60', '--batch', '20'];
export const RECORD = 3073;

export interface Result { code: number | null; out: string; err: string; events: Event[] }
export interface Event { event: string; [key: string]: unknown }

export async function collect(child: ChildProcess): Promise<Result> {
  let out = '';
  let err = '';
  child.stdout!.on('data', (text) => { out += text; });
  child.stderr!.on('data', (text) => { err += text; });
  const [code] = await once(child, 'close') as [number | null];
  const lines = out.startsWith('{') ? out.trim().split('\n') : [];
  return { code, out, err, events: lines.map((line) => JSON.parse(line) as Event) };
}

export function kiln(...args: string[]): Promise<Result> {
  return collect(spawn(KILN, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** The same, with these bytes on standard input. */
export function kilnWith(input: Buffer, ...args: string[]): Promise<Result> {
  const child = spawn(KILN, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {}); // a program that refuses does not read on
  child.stdin.end(input);
  return collect(child);
}

export function shell(script: string, ...args: string[]): Promise<Result> {
  return collect(spawn('bash', ['-c', script, 'bash', ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** Records of label i % 10 and one grey level each. */
export function records(count: number): Buffer {
  const bytes = Buffer.alloc(count * RECORD);
  for (let i = 0; i < count; i++) {
    bytes.fill(i % 251, i * RECORD, (i + 1) * RECORD);
    bytes[i * RECORD] = i % 10;
  }
  return bytes;
}

/** A tar archive of plain files. */
export function tar(files: Record<string, Buffer>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, bytes] of Object.entries(files)) {
    const header = Buffer.alloc(512);
    header.write(name);
    header.write(bytes.length.toString(8).padStart(11, '0'), 124);
    header.write('        ', 148);
    header.write('0', 156);
    header.write('ustar\0' + '00', 257, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    parts.push(header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}
