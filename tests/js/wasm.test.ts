// Loading, calling, and what happens when either goes wrong.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { AddressInfo } from 'node:net';

import { describe, expect, test } from '@jest/globals';

import { fills, load, updates, Wasm, type WasmSource } from '../../bindings/wasm.js';
import { ready, layers, version, type Tensor } from '../../bindings/index.js';
import { failure, random } from './helpers.js';

const SIMD = 'build/dist/simd.wasm';

test('layer functions say that ready() is wanting', async () => {
  const t: Tensor = { data: new Float32Array(4), shape: [2, 2] };
  const error = await failure(() => layers.reluForward(t));
  expect(error.code).toBe('E_STATE');
  expect(error.message).toContain('await ready()');
});

describe('loading', () => {
  test('ready() tells which build runs and why, and loads once', async () => {
    const [one, two] = await Promise.all([ready({ variant: 'simd' }), ready()]);
    expect(one).toEqual({
      variant: 'simd', mode: 'strict', lanes: 4, threads: 1,
      reason: 'simd was asked for; one thread: as asked for',
    });
    expect(two).toBe(one);
    expect(version()).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test('auto picks relaxed where the engine has it, and names the reason', async () => {
    const wasm = await load();
    const { variant, mode, reason } = wasm.backend;
    expect(mode).toBe(variant.startsWith('relaxed') ? 'fused' : 'strict');
    expect(reason).toMatch(/relaxed/);
    if (mode === 'fused') expect(wasm.call('kiln_fused_probe')).toBe(1);
  });

  test('takes bytes, also gzipped, a compiled module, an address, a folder', async () => {
    const bytes = new Uint8Array(await readFile(SIMD));
    const url = new URL(`file://${process.cwd()}/${SIMD}`);
    const sources: WasmSource[] = [
      bytes, bytes.slice().buffer, await WebAssembly.compile(bytes), url, url.href,
      new URL('./', url), new Uint8Array(gzipSync(bytes)),
    ];
    for (const wasm of sources) {
      const loaded = await load({ wasm, variant: 'simd' });
      expect(loaded.backend.mode).toBe('strict');
      expect(loaded.call('kiln_lanes')).toBe(4);
    }
  });

  test('a missing file, a web page, junk and a damaged module are told apart', async () => {
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/gone.wasm' ? 404 : 200;
      response.end('<!doctype html><title>Not found</title>');
    }).listen(0);
    const { port } = server.address() as AddressInfo;
    const address = (path: string): string => `http://127.0.0.1:${port}/${path}`;
    const bytes = new Uint8Array(await readFile(SIMD));
    const cases: [WasmSource, RegExp][] = [
      [address('gone.wasm'), /cannot be read: the server answers 404/],
      [address('page.wasm'), /is a web page, not WebAssembly/],
      [new URL(`file://${process.cwd()}/no/such.wasm`), /cannot be read/],
      [new Uint8Array([1, 2, 3]), /is 3 bytes of something else, not WebAssembly/],
      [bytes.subarray(0, 1000), /does not compile/],
      [new Uint8Array(gzipSync(bytes)).subarray(0, 1000), /cannot be read/],
      [new Uint8Array(gzipSync('no module')), /is 9 bytes of something else, not WebAssembly/],
    ];
    for (const [wasm, message] of cases) {
      const error = await failure(() => load({ wasm }));
      expect(error.code).toBe('E_WASM_LOAD');
      expect(error.message).toMatch(message);
    }
    server.close();
  });

  test('what is served as WebAssembly compiles from its stream, and what goes wrong is told',
    async () => {
      const bytes = await readFile(SIMD);
      const server = createServer((request, response) => {
        response.setHeader('Content-Type', 'application/wasm');
        response.setHeader('Content-Length', request.url === '/cut.wasm' ? 1000 : bytes.length);
        if (request.url === '/whole.wasm') response.end(bytes);
        else if (request.url === '/cut.wasm') response.end(bytes.subarray(0, 1000));
        else response.write(bytes.subarray(0, 1000), () => response.destroy());
      }).listen(0);
      const { port } = server.address() as AddressInfo;
      const of = (name: string): { wasm: string; variant: 'simd' } =>
        ({ wasm: `http://127.0.0.1:${port}/${name}.wasm`, variant: 'simd' });
      expect((await load(of('whole'))).call('kiln_lanes')).toBe(4);
      const cases: [string, RegExp][] = [
        ['cut', /cut\.wasm does not compile/], ['broken', /broken\.wasm cannot be read/],
      ];
      for (const [name, message] of cases) {
        const error = await failure(() => load(of(name)));
        expect(error.code).toBe('E_WASM_LOAD');
        expect(error.message).toMatch(message);
      }
      server.close();
    });

  test('refuses variants there are not', async () => {
    const error = await failure(() => load({ variant: 'fast' as 'simd' }));
    expect(error).toMatchObject({ code: 'E_ARG' });
    expect(error.message).toContain('none of auto, simd, relaxed, simd-threads');
  });

  test('an aborted load is E_ABORTED', async () => {
    const error = await failure(() => load({ signal: AbortSignal.abort() }));
    expect(error.code).toBe('E_ABORTED');
  });
});

describe('calling', () => {
  test('results of C come back, whatever the offset of the arrays', async () => {
    const wasm = await load({ variant: 'simd' });
    const x = new Float32Array(20).subarray(3, 10).map((_, i) => i - 3);
    const room = new Float32Array(20).fill(7);
    wasm.call('kiln_layer_relu_forward', fills(room.subarray(5, 12)), x, 7);
    expect([...room]).toEqual([7, 7, 7, 7, 7, 0, 0, 0, 0, 1, 2, 3, 7, 7, 7, 7, 7, 7, 7, 7]);
    const w = new Float32Array([1, 2, 3]);
    wasm.call('kiln_layer_sgd', updates(w), new Float32Array([1, 1, 1]), 3, 0.5);
    expect([...w]).toEqual([0.5, 1.5, 2.5]);
  });

  test('memory that grows between and during calls loses nothing', async () => {
    const wasm = await load({ variant: 'simd' });
    const before = wasm.memoryBytes;
    const x = random([5_000_000], 1);
    const out = new Float32Array(x.data.length);
    wasm.call('kiln_layer_relu_forward', fills(out), x.data, x.data.length); // 40 MB of arguments
    expect(wasm.memoryBytes).toBeGreaterThan(before);
    expect(out.every((value, i) => value === Math.max(0, x.data[i]!))).toBe(true);
  });

  test('arguments beyond the memory are E_MEMORY, and the instance goes on', async () => {
    const wasm = await load({ variant: 'simd' });
    const huge = new Float32Array(2 ** 28); // 1 GiB, and two of them are needed
    const error = await failure(() =>
      wasm.call('kiln_layer_relu_forward', fills(huge), huge, huge.length));
    expect(error.code).toBe('E_MEMORY');
    expect(error.message).toMatch(/no memory for \d+ bytes/);
    expect(wasm.call('kiln_lanes')).toBe(4);
  });

  test('a negative status is a KilnError with the sentence of C', async () => {
    const wasm = await load({ variant: 'simd' });
    const error = await failure(() => wasm.call('kiln_threads_use', -3));
    expect(error.code).toBe('E_ARG');
    expect(error.message).toContain('-3');
    const stale = await failure(() => wasm.call('kiln_net_classes', 12345));
    expect(stale.code).toBe('E_HANDLE');
  });

  test('a trap poisons the instance, and says so ever after', async () => {
    const wasm = await load({ variant: 'simd' });
    expect(wasm.broken).toBeNull();
    const few = new Float32Array(4);
    const trap = (): number =>
      // A count beyond the arrays, and beyond all memory.
      wasm.call('kiln_layer_relu_forward', fills(few), few, 2 ** 28);
    expect((await failure(trap)).code).toBe('E_TRAP');
    expect(wasm.broken).toContain('kiln_layer_relu_forward');
    const after = await failure(() => wasm.call('kiln_lanes'));
    expect(after.code).toBe('E_TRAP');
    expect(after.message).toContain('broke down earlier');
    expect((await load({ variant: 'simd' })).call('kiln_lanes')).toBe(4);
  });

  test('text with a NUL is refused', async () => {
    const wasm = await load({ variant: 'simd' });
    expect((await failure(() => wasm.call('kiln_summary', 'conv\0', ''))).code).toBe('E_ARG');
  });

  test('a thousand calls leave the memory as it is', async () => {
    const wasm = await load({ variant: 'simd' });
    const x = random([1000], 2).data;
    const run = (): void => {
      for (let i = 0; i < 1000; i++) {
        wasm.call('kiln_layer_relu_forward', fills(x.slice()), x, 1000);
      }
    };
    run();
    const before = wasm.memoryBytes;
    run();
    expect(wasm.memoryBytes).toBe(before);
  });
});

test('Wasm is a class of its own, so that a page may hold several instances', async () => {
  const [a, b] = await Promise.all([load({ variant: 'simd' }), load({ variant: 'simd' })]);
  expect(a).toBeInstanceOf(Wasm);
  expect(a).not.toBe(b);
});
