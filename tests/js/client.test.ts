// WorkerClient against workers that misbehave in every way: each ends in a KilnError of its own.

import { readFileSync } from 'node:fs';

import { afterEach, describe, expect, test } from '@jest/globals';

import { WorkerClient, type ClientOptions } from '../../bindings/client.js';
import type { KilnError } from '../../bindings/index.js';
import { failure } from './helpers.js';

/** A worker of a few lines; `post` and `on` are its ways out and in. */
const script = (body: string): string => `data:text/javascript,${encodeURIComponent(`
  import { parentPort } from 'node:worker_threads';
  const post = (message) => parentPort.postMessage(message);
  const on = (receive) => parentPort.on('message', receive);
  const hello = () => post({ type: 'hello', protocol: 1 });
  ${body}`)}`;

const clients: WorkerClient[] = [];
afterEach(() => clients.splice(0).forEach((client) => client.terminate()));

async function start(body: string, options: ClientOptions = {}): Promise<WorkerClient> {
  const client = await WorkerClient.start({ workerUrl: script(body), ...options });
  clients.push(client);
  return client;
}

const ECHO = `hello(); on((m) => {
  if (m.type === 'ping') post({ type: 'pong' });
  else if (m.type !== 'cancel') post({ type: 'result', id: m.id, value: m.params });
});`;

const death = (client: WorkerClient): Promise<KilnError> =>
  new Promise((resolve) => { client.onDeath = resolve; });

describe('starting', () => {
  test.each<[string, string, string, RegExp]>([
    ['a script that throws', 'throw new Error("no luck")', 'E_WORKER_LOAD', /no luck/],
    ['a script that cannot be parsed', '][', 'E_WORKER_LOAD', /did not start/],
    ['an import that is missing', 'import "./none.js";', 'E_WORKER_LOAD', /did not start/],
    ['a script that ends without a word', 'process.exit(3)', 'E_WORKER_LOAD', /code 3/],
    ['silence', 'setInterval(() => {}, 1000)', 'E_WORKER_LOAD', /within 0\.7 seconds/],
    ['a hang', 'for (;;);', 'E_WORKER_LOAD', /within 0\.7 seconds/],
    ['another version', 'post({ type: "hello", protocol: 99 })', 'E_PROTOCOL', /another version/],
  ])('%s', async (_, body, code, message) => {
    const error = await failure(() => start(body, { startLimit: 700 }));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
  });

  test('a file that is not there', async () => {
    const error = await failure(() => WorkerClient.start({ workerUrl: 'no-such-worker.js' }));
    expect(error.code).toBe('E_WORKER_LOAD');
  });

  test('a part of it that is not there', async () => {
    const entry = readFileSync('build/dist/worker.js', 'utf8').replace('./', 'file:///nowhere/');
    const workerUrl = `data:text/javascript,${encodeURIComponent(entry)}`;
    const error = await failure(() => WorkerClient.start({ workerUrl }));
    expect(error.code).toBe('E_WORKER_LOAD');
    expect(error.message).toMatch(/did not start: Cannot find module .*worker-main\.js/);
  });

  test('can be aborted, before and meanwhile', async () => {
    const before = await failure(() => start(ECHO, { signal: AbortSignal.abort() }));
    expect(before.code).toBe('E_ABORTED');
    const stopper = new AbortController();
    const meanwhile = failure(() => start('on(() => {})', { signal: stopper.signal }));
    setTimeout(() => stopper.abort(), 50);
    expect((await meanwhile).code).toBe('E_ABORTED');
  });
});

describe('calls', () => {
  test('answers find their calls, in whatever order they come', async () => {
    const client = await start(`hello(); const kept = [];
      on((m) => { if (m.type === 'history') kept.push(m);
        if (kept.length === 3) for (const { id, params } of kept.reverse())
          post({ type: 'result', id, value: params }); });`);
    const answers = await Promise.all([1, 2, 3].map((n) => client.call('history', { n })));
    expect(answers).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  test('failures carry code, sentence and column', async () => {
    const client = await start(`hello(); on((m) => post({ type: 'failure', id: m.id,
      error: { code: 'E_NOTATION', message: 'net: column 7: what?', column: 7 } }));`);
    const error = await failure(() => client.call('summarise', { net: 'conv' }));
    expect(error).toMatchObject({ code: 'E_NOTATION', message: 'net: column 7: what?', column: 7 });
  });

  test('an aborted call is rejected at once; a late answer to it is dropped', async () => {
    const client = await start(`hello(); let first;
      on((m) => {
        if (m.type === 'hash' && !first) first = m;
        else if (m.type === 'cancel') post({ type: 'result', id: first.id, value: 'late' });
        else if (m.type === 'hash') post({ type: 'result', id: m.id, value: 'told ' + (first.id) });
      });`);
    const stopper = new AbortController();
    const call = failure(() => client.call('hash', {}, { signal: stopper.signal }));
    stopper.abort();
    expect((await call).code).toBe('E_ABORTED');
    expect(await client.call('hash', {})).toBe('told 1');
  });

  test('what cannot be cloned is refused, and later calls work', async () => {
    const client = await start(ECHO);
    const error = await failure(() => client.call('history', { f: () => 1 }));
    expect(error.code).toBe('E_ARG');
    expect(await client.call('history', { n: 1 })).toEqual({ n: 1 });
  });

  test('answers to nobody are dropped', async () => {
    const client = await start(`hello(); post({ type: 'result', id: 77, value: 1 });
      post({ type: 'failure', id: 78, error: { code: 'E_ARG', message: 'x' } });
      on((m) => post({ type: 'result', id: m.id, value: 5 }));`);
    expect(await client.call('hash', {})).toBe(5);
  });

  test('terminate() rejects what is pending, and what comes later', async () => {
    const client = await start('hello(); on(() => {})');
    const pending = failure(() => client.call('hash', {}));
    client.terminate();
    client.terminate();
    expect((await pending).code).toBe('E_ABORTED');
    expect((await failure(() => client.call('hash', {}))).code).toBe('E_ABORTED');
  });
});

describe('death', () => {
  test.each<[string, string, string, RegExp]>([
    ['an error nobody caught', 'throw new Error("oops")', 'E_WORKER_DIED', /oops/],
    ['an exit', 'process.exit(7)', 'E_WORKER_DIED', /code 7/],
    ['a report of its own', `post({ type: 'fatal', error: { code: 'E_TRAP', message: 'dead' } })`,
      'E_TRAP', /dead/],
    ['a message of no kind', `post({ type: 'tea?' })`, 'E_PROTOCOL', /tea/],
  ])('%s', async (_, body, code, message) => {
    const client = await start(`hello(); on((m) => { if (m.type === 'hash') { ${body} } })`);
    const heard = death(client);
    const error = await failure(() => client.call('hash', {}));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
    expect(await heard).toBe(error);
    expect(client.death).toBe(error);
    expect(await failure(() => client.call('hash', {}))).toBe(error);
  });

  test('a hang is found by its silence', async () => {
    const client = await start(`hello(); on((m) => { if (m.type === 'hash') for (;;); });`,
      { silenceLimit: 500 });
    const error = await failure(() => client.call('hash', {}));
    expect(error.code).toBe('E_WORKER_SILENT');
    expect(error.message).toContain('0.5 seconds');
  });

  test('a worker that says it may be silent for longer is waited for', async () => {
    const busy = 'const end = Date.now() + 1500; while (Date.now() < end);';
    const client = await start(`hello(); post({ type: 'silence', milliseconds: 600000 });
      on((m) => { if (m.type === 'hash') { ${busy} post({ type: 'result', id: m.id, value: 'x' }); }
        else post({ type: 'pong' }); });`, { silenceLimit: 200 });
    expect(await client.call('hash', {})).toBe('x');
  });

  test('a worker that answers pings lives on', async () => {
    const client = await start(ECHO, { silenceLimit: 300 });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await client.call('history', { still: 'here' })).toEqual({ still: 'here' });
  });
});
