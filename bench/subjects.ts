import assert from 'node:assert/strict';
import type { Instance, Question } from './instance.js';

/** One of the profiles that come with thaw, with what its server must be able to answer. */
export interface Subject {
  readonly profile: string;
  /** Its TOML file, if it is none of those that come with thaw. */
  readonly definition?: string;
  readonly port: number;
  /** The first question, different for each `n`, so that no answer can be a kept one. */
  first(n: number): Question;
  /** Everything else that must be right in an instance, and its own. @throws AssertionError */
  check(instance: Instance, n: number): Promise<void>;
}

export const subjects: readonly Subject[] = [
  {
    profile: 'ts-server',
    port: 8201,
    first: (n) => ({ send: get(`/double?n=${n}`), expect: `const n = ${n};` }),
    check: async (instance, n) => {
      const source = `export const area = (side: number): number => side * ${n};\narea('a');\n`;
      const compiled = json(await instance.ask(post('/compile', source)));
      assert.match(String(compiled['javascript']), new RegExp(`side \\* ${n};`));
      assert.deepEqual(compiled['problems'], [
        "line 2: Argument of type 'string' is not assignable to parameter of type 'number'.",
      ]);
      await checkOwnState(instance, n);
    },
  },
  {
    profile: 'python',
    port: 8202,
    first: () => ({ send: get('/search?q=socket'), expect: '"found": [{"module"' }),
    check: async (instance, n) => {
      const value = json(await instance.ask(get(`/evaluate?a=${n}&b=8`)));
      assert.equal(value['digits'], String(n / 8));
      const found = json(await instance.ask(get('/search?q=temporary+directory')));
      assert.match(JSON.stringify(found['found']), /tempfile/);
      await checkOwnState(instance, n);
    },
  },
  {
    profile: 'redis',
    port: 8203,
    first: (n) => ({ send: redis(`GET item:${n}`), expect: `title-${n}-${(n * 2654435761) % 1000003}\r\n` }),
    check: checkRedis,
  },
  {
    profile: 'jvm',
    port: 8204,
    first: (n) => ({ send: get(`/price?rule=weekend&amount=${n * 100}`), expect: `"price": ${n * 85}}` }),
    check: async (instance, n) => {
      // A rule compiled now: javac, class loading and the JIT must all still work.
      await instance.ask(post('/rule?name=added', `return amount * ${n};`));
      const price = json(await instance.ask(get('/price?rule=added&amount=7')));
      assert.equal(price['price'], 7 * n);
      await checkOwnState(instance, n);
    },
  },
  {
    profile: 'nginx',
    port: 8205,
    first: () => ({ send: get('/catalog.json'), expect: '"Films"}]}' }),
    check: async (instance) => {
      assert.match(await instance.ask(get('/')), /^HTTP\/1\.1 200 OK\r\n[^]*launched from an image/);
      assert.match(await instance.ask(get('/none')), /^HTTP\/1\.1 404 /);
      assert.equal(instance.first.comm, 'nginx');
    },
  },
];

/** Profiles with a window, which nobody asks anything: they show themselves. */
export const windowProfiles = ['gtk3', 'gtk3-bus', 'qtquick', 'sdl2', 'wpe'] as const;

/** @throws RangeError if there is no such profile */
export function subject(profile: string): Subject {
  const found = subjects.find((one) => one.profile === profile);
  if (!found)
    throw new RangeError(
      `no such profile: ${profile} (there are: ${subjects.map((one) => one.profile).join(', ')})`,
    );
  return found;
}

/** The pid that the app sees is its own, and what one instance counts is not seen by another. */
export async function checkOwnState(instance: Instance, n: number): Promise<void> {
  const before = json(await instance.ask(get('/instance')));
  assert.equal(before['pid'], instance.pid);
  const times = 1 + (n % 5);
  let after = before;
  for (let i = 0; i < times; i++) after = json(await instance.ask(get('/instance')));
  assert.equal(Number(after['answered']), Number(before['answered']) + times);
}

async function checkRedis(instance: Instance, n: number): Promise<void> {
  assert.equal(await instance.ask(redis('DBSIZE')), ':600000\r\n+OK\r\n');
  assert.equal(
    await instance.ask(redis(`HGET film:${1 + n} title`)),
    `$${String(n + 1).length + 5}\r\nfilm-${n + 1}\r\n+OK\r\n`,
  );
  assert.equal(await instance.ask(redis(`ZSCORE chart:100 film:100`)), '$1\r\n3\r\n+OK\r\n');

  // A key that came from the data file expires in 2100: the time that is left must be counted from today.
  const left = integer(await instance.ask(redis('TTL session:5')));
  assert.ok(Math.abs(left - (4102444805 - Date.now() / 1000)) <= 2, `TTL session:5 is ${left}`);
  await checkOwnKeys(instance, n);
}

/** Of any redis: what one instance keeps is no other's. */
export async function checkOwnKeys(instance: Instance, n: number): Promise<void> {
  // A key set in this instance expires here, on time. (Emulated CPUs may need a second for an answer.)
  assert.equal(await instance.ask(redis('SET short here PX 2000 NX')), '+OK\r\n+OK\r\n');
  assert.match(await instance.ask(redis('GET short')), /here/);
  await new Promise((resolve) => setTimeout(resolve, 2100));
  assert.equal(await instance.ask(redis('GET short')), '$-1\r\n+OK\r\n');

  assert.equal(integer(await instance.ask(redis(`INCRBY own ${n}`))), n);
  assert.match(await instance.ask(redis('INFO server')), new RegExp(`process_id:${instance.pid}\r\n`));
}

export function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
}

function post(path: string, body: string): string {
  const length = Buffer.byteLength(body);
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`;
}

/** Redis closes the connection after QUIT, which answers +OK. */
export function redis(command: string): string {
  return `${command}\r\nQUIT\r\n`;
}

function integer(reply: string): number {
  return Number(/^:(-?\d+)\r\n/.exec(reply)?.[1]);
}

/** The JSON object in the body of an HTTP answer, chunked or not. */
export function json(answer: string): Record<string, unknown> {
  const text = answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1);
  assert.ok(answer.startsWith('HTTP/1.') && text !== '', `not a JSON answer: ${answer}`);
  return JSON.parse(text) as Record<string, unknown>;
}
