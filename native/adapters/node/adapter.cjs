// thaw's adapter for Node.js: calls for the checkpoint on the main thread, between two events, and puts right in each launch
// what Node has cached. See docs/adapters.md. It runs in the app: before it, and in each worker that is started before a
// checkpoint.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const workers = require('node:worker_threads');

// struct thaw_call of thaw.h: state, limit, then address and size of the arguments and of the environment.
const CALL_SIZE = 40;
const LIMIT_AT = 4;
const STRINGS_AT = 8;
const PID_SIZE = 8; // Right before the arguments.
const LIMIT_MS = 10_000;
const [RESTORED, DONE] = [1, 3];
const SIGNAL = 16;
/** The mark behind the record is thaw's key with each byte changed by this. */
const CHANGED_BY = 0x5a;
/** How long Node's http keeps the text of a Date header at most. */
const DATE_KEPT_MS = 1_100;
const LAUNCHED = 'thaw.launched';

/** One word, seen by all threads: 1 in a launch. */
const launched = workers.isMainThread
  ? new Int32Array(new SharedArrayBuffer(4))
  : workers.getEnvironmentData(LAUNCHED);

if (workers.isMainThread && process.env.THAW_ADAPTER !== undefined) {
  workers.setEnvironmentData(LAUNCHED, launched);
  renewGenerators();
  getReady();
} else if (launched !== undefined) {
  renewGenerators();
}

// --- Random numbers -------------------------------------------------------------------------------------------------

/** Each thread draws anew when it first asks in a launch: whatever the app has already taken hold of are these functions. */
function renewGenerators() {
  replace(Math, 'random', (original) => {
    let next = original;
    return inLaunch(
      () => (next = seeded()),
      () => next(),
    );
  });
  // Node draws random bytes in advance: for 128 UUIDs, and for 1024 numbers below 2^48. What is left of them goes.
  const dropIds = once(() => {
    for (let i = 0; i < 128; i++) randomUUID();
  });
  const { randomUUID, randomInt } = crypto;
  replace(crypto, 'randomUUID', (original) => inLaunch(dropIds, original));
  replace(Object.getPrototypeOf(crypto.webcrypto), 'randomUUID', (original) => inLaunch(dropIds, original));
  replace(crypto, 'randomInt', (original) =>
    inLaunch(() => {
      for (let i = 0; i < 1024; i++) randomInt(2);
    }, original),
  );
  workers.Worker = workerWithoutAdapter(workers.Worker);
  require('node:module').syncBuiltinESMExports();
}

function replace(object, name, make) {
  const descriptor = Object.getOwnPropertyDescriptor(object, name);
  const original = descriptor.value;
  const value = make(original);
  Object.defineProperties(value, { name: { value: name }, length: { value: original.length } });
  Object.defineProperty(object, name, { ...descriptor, value });
}

/** A function that does `first` once in a launch, and `work` always. */
function inLaunch(first, work) {
  let seen = 0;
  return function (...args) {
    if (launched[0] !== seen) {
      seen = launched[0];
      first();
    }
    return Reflect.apply(work, this, args);
  };
}

function once(work) {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}

/** Numbers in [0, 1) of 53 bits, from the generator sfc32. V8's own cannot be seeded from here. */
function seeded() {
  const state = crypto.randomFillSync(new Uint32Array(4));
  const next = () => {
    const sum = (state[0] + state[1] + state[3]++) >>> 0;
    state[0] = state[1] ^ (state[1] >>> 9);
    state[1] = state[2] + (state[2] << 3);
    state[2] = ((state[2] << 21) | (state[2] >>> 11)) + sum;
    return sum;
  };
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/**
 * A worker loads what its creator was told to load with --require, which is not there in a launch. Node reads its options
 * anew, without it, where a worker is given its own. What such a worker draws is its own anyway.
 */
function workerWithoutAdapter(Worker) {
  return class extends Worker {
    static name = 'Worker';
    constructor(file, options = {}) {
      const plain = launched[0] === 1 && options.execArgv === undefined;
      super(file, plain ? { ...options, execArgv: process.execArgv } : options);
    }
  };
}

// --- The checkpoint -------------------------------------------------------------------------------------------------

function getReady() {
  const { THAW_ADAPTER: answers, THAW_ADAPTER_KEY: key, NODE_OPTIONS: options } = process.env;
  delete process.env.THAW_ADAPTER;
  delete process.env.THAW_ADAPTER_KEY;
  const rest = options.slice(options.indexOf('adapter.cjs"') + 'adapter.cjs"'.length).trim();
  if (rest === '') delete process.env.NODE_OPTIONS;
  else process.env.NODE_OPTIONS = rest;

  const commandLine = strings(fs.readFileSync('/proc/self/cmdline'));
  const app = {
    pid: process.pid,
    answers,
    key: Buffer.from(key, 'hex'),
    commandLine,
    /** How many words of it are Node's, with the script. */
    fixed: commandLine.length - Math.max(process.argv.length - 2, 0),
    env: { ...process.env },
    own: {},
    before: [],
    after: [],
  };
  globalThis[Symbol.for('thaw')] = {
    beforeCheckpoint: (hook) => void app.before.push(hook),
    afterRestore: (hook) => void app.after.push(hook),
  };
  const asked = () => {
    process.off('SIGSTKFLT', asked);
    void askedFor(app);
  };
  process.on('SIGSTKFLT', asked);
}

async function askedFor(app) {
  try {
    for (const hook of app.before) await hook();
    if (process.moduleLoadList.includes('NativeModule internal/http'))
      await new Promise((resolve) => setTimeout(resolve, DATE_KEPT_MS));
    rehearse(app);
  } catch (error) {
    tell(app, `before the checkpoint: ${error}`);
    return;
  }
  const call = Buffer.from(new SharedArrayBuffer(4096)); // It never moves.
  call.writeUInt32LE(LIMIT_MS, LIMIT_AT);
  app.key.forEach((byte, i) => call.writeUInt8(byte ^ CHANGED_BY, CALL_SIZE + i));
  const state = new Int32Array(call.buffer, 0, 1);
  if (!tell(app, 'waiting')) return;
  while (Atomics.load(state, 0) === 0);
  if (state[0] === RESTORED) launch(app, call, state);
}

/** False where thaw no longer listens. */
function tell({ answers }, text) {
  try {
    fs.writeFileSync(`${answers}/new`, text);
    fs.renameSync(`${answers}/new`, `${answers}/answer`);
    return true;
  } catch {
    return false;
  }
}

// --- A launch -------------------------------------------------------------------------------------------------------

/** thaw starts the program cold if this fails, or takes too long. */
function launch(app, call, state) {
  try {
    launched[0] = 1;
    const { pid, args, env } = delivered(call);
    app.pid = pid;
    deliverArguments(app, args);
    deliverEnvironment(app, env);
    for (const hook of app.after.reverse())
      if (hook() instanceof Promise) throw new TypeError('a hook of a launch cannot be asynchronous');
    state[0] = DONE;
  } catch (error) {
    fs.writeSync(2, `${error.stack}\n`);
  }
  process.kill(app.pid, SIGNAL);
  while (state[0] !== DONE); // Until the program is another one.
}

/** A launch shall not have to compile this code, and would fail where it fails. */
function rehearse(app) {
  app.own = ownVariables(app);
  delivered(Buffer.alloc(CALL_SIZE));
  deliverArguments(app, app.commandLine);
  deliverEnvironment(
    app,
    Object.entries(app.env).map((entry) => entry.join('=')),
  );
  renewIdentity(app);
  process.kill(app.pid, 0);
}

/** What Node keeps of the process, found out when it is asked for: a launch shall not wait for that. */
function renewIdentity(app) {
  const { performance } = globalThis;
  let origin;
  const get = () => (origin ??= Date.now() - performance.now());
  Object.defineProperty(performance, 'timeOrigin', { get, configurable: true, enumerable: true });
  Object.defineProperty(process, 'pid', { get: () => app.pid, configurable: true, enumerable: true });
}

/** In one reading: the pid, the strings of the arguments and, behind them, those of the environment. */
function delivered(call) {
  const [args, argsSize, env, envSize] = [0, 8, 16, 24].map((at) =>
    Number(call.readBigUInt64LE(STRINGS_AT + at)),
  );
  const start = args - PID_SIZE;
  const memory = fs.openSync('/proc/self/mem');
  try {
    const bytes = Buffer.alloc(Math.max(env + envSize - start, PID_SIZE));
    if (args !== 0 && fs.readSync(memory, bytes, 0, bytes.length, start) !== bytes.length)
      throw new Error('cannot read what the launch delivers');
    return {
      pid: Number(bytes.readBigUInt64LE()),
      args: strings(bytes.subarray(PID_SIZE, PID_SIZE + argsSize)),
      env: strings(bytes.subarray(env - start)),
    };
  } finally {
    fs.closeSync(memory);
  }
}

/** Each has its NUL. */
function strings(bytes) {
  return bytes.toString().split('\0').slice(0, -1);
}

/** Node's own arguments and the script are part of the image, only what follows may differ. */
function deliverArguments({ commandLine, fixed }, args) {
  const same = (a, b) => a.length === b.length && a.every((word, i) => word === b[i]);
  // Those of a script that is executed by itself (#!) stand behind its interpreter's.
  if (
    args.length <= commandLine.length &&
    same(args.slice(1), commandLine.slice(commandLine.length - args.length + 1))
  )
    return;
  if (!same(args.slice(1, fixed), commandLine.slice(1, fixed)))
    throw new Error('the image is that of another script');
  process.argv.splice(2, Infinity, ...args.slice(fixed));
}

/** What the app has set or removed itself, undefined where it has removed it. */
function ownVariables({ env: first }) {
  const now = { ...process.env };
  const own = Object.keys({ ...first, ...now }).filter((name) => now[name] !== first[name]);
  return Object.fromEntries(own.map((name) => [name, now[name]]));
}

/** The caller's, but for the app's own. Nothing is assumed of what libc has by now. */
function deliverEnvironment({ env: first, own }, entries) {
  const wanted = {};
  for (const entry of entries) {
    const sign = entry.indexOf('=');
    if (sign > 0) wanted[entry.slice(0, sign)] ??= entry.slice(sign + 1);
  }
  const zone = wanted.TZ;
  Object.assign(wanted, own);
  for (const name of Object.keys({ ...first, ...wanted })) {
    // Only by being set does TZ reach V8.
    if (process.env[name] === wanted[name] && !(name === 'TZ' && zone !== first.TZ)) continue;
    if (wanted[name] === undefined) delete process.env[name];
    else process.env[name] = wanted[name];
  }
}
