// Adapters: what a runtime has cached is put right in each launch, without a change to the app.
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { adapterOf } from '../../launcher/adapters/index.js';
import { thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Workshop, builtWith, python } from './support.js';

interface App {
  readonly program: string;
  readonly file: string;
  readonly source: string;
  /** What stands before the app's own arguments; by default its file. */
  readonly options?: readonly string[];
}

/** A profile of an app in any language that prints `warm`. */
class AdapterShop extends Workshop {
  /** Builds the app of profile `app`, with more lines at the profile's start. */
  buildApp(
    { program, file, source, options = [file] }: App,
    more = '',
    launch = '',
    env = '',
    until = '{ log = "^warm" }',
  ): SpawnSyncReturns<string> {
    this.write(file, source);
    const toml = this.write(
      'app.toml',
      `name = "app"\nprogram = "${program}"\nargs = ${JSON.stringify([...options, 'warm'])}\nenv = { GIVEN = "build"${env} }\n${more}\n` +
        `[warmup]\nuntil = ${until}\nsettle = "300ms"\n[launch]\nenv = "deliver"\n${launch}\n`,
    );
    return this.thaw('build', toml);
  }

  launchApp(
    { program, file, options: before = [file] }: App,
    env: Readonly<Record<string, string>> = {},
    args: readonly string[] = ['warm'],
    options: readonly string[] = ['--no-fallback'],
  ): SpawnSyncReturns<string> {
    this.write('go', '');
    return spawnSync(thawExec, [...options, '--store', this.store, '--', program, ...before, ...args], {
      cwd: this.folder,
      encoding: 'utf8',
      timeout: PATIENCE_MS,
      env: { ...builtWith, GIVEN: 'build', ...env },
    });
  }

  /** The same, for what takes long. */
  async startApp(
    { program, file, options = [file] }: App,
    env: Readonly<Record<string, string>>,
  ): Promise<{ pid: number | undefined; stdout: string; stderr: string }> {
    this.write('go', '');
    const started = execa(thawExec, ['--store', this.store, '--', program, ...options, 'warm'], {
      cwd: this.folder,
      timeout: PATIENCE_MS,
      reject: false,
      extendEnv: false,
      env: { ...builtWith, GIVEN: 'build', ...env },
    });
    const { stdout, stderr } = await started;
    return { pid: started.pid, stdout, stderr };
  }
}

/** What an app says of itself as one line of JSON, in a launch. */
function said({
  stdout,
  stderr,
}: Pick<SpawnSyncReturns<string>, 'stdout' | 'stderr'>): Record<string, unknown> {
  const line = stdout.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    throw new Error(`said ${stdout}, and ${stderr}`);
  }
}

/** A launch whose hook hangs has become a cold start, of the same process. */
function expectCold(
  t: ExecutionContext,
  { pid, stdout, stderr }: { pid: number | undefined; stdout: string; stderr: string },
  hooks: readonly string[] = [],
): void {
  t.like(said({ stdout, stderr }), { argv: ['warm'], hooks, pid }, stderr);
}

const pythonApp: App = {
  program: python,
  file: 'app.py',
  source: `import asyncio, json, os, random, sys, threading, time
try:
    import thaw_hooks
except ImportError:
    thaw_hooks = None
hooks = []
random.random()
os.environ['OWN'] = 'set by the app'
if thaw_hooks:
    def first():
        hooks.append('first')
        if 'FAIL' in os.environ: raise ValueError('as asked')
        while 'HANG' in os.environ: pass
    thaw_hooks.after_restore(first)
    thaw_hooks.after_restore(lambda: hooks.append('second'))
    thaw_hooks.before_checkpoint(lambda: hooks.append('before'))
async def main():
    print('warm', flush=True)
    while not os.path.exists('go'): await asyncio.sleep(0.001)
    asyncio.get_running_loop()
    print(json.dumps(dict(random=random.random(), argv=sys.argv[1:], pid=os.getpid(), hooks=hooks,
        env={name: value for name, value in os.environ.items() if name != 'PATH' and name != 'LC_CTYPE'}, hour=time.localtime(0).tm_hour,
        native=threading.main_thread().native_id, modules='thaw_adapter' in sys.modules,
        path=[p for p in sys.path if 'thaw-adapter' in p])), flush=True)
asyncio.run(main())
`,
};

test('Python: instances differ, and have arguments, environment and time zone of their own', (t) => {
  const shop = new AdapterShop(t);
  const built = shop.buildApp(pythonApp, '', 'args = "deliver"');
  t.is(built.status, 0, built.stderr);
  t.regex(built.stderr, /ok +[\d.]+ m?s +adapter: python/);

  const here = shop.launchApp(pythonApp, { TZ: 'XXX-5', LEVEL: '7' }, ['one', 'two']);
  const first = said(here);
  t.like(first, {
    argv: ['one', 'two'],
    pid: here.pid,
    native: here.pid,
    env: { GIVEN: 'build', TZ: 'XXX-5', LEVEL: '7', OWN: 'set by the app' },
    hour: 5,
    hooks: ['before', 'second', 'first'],
    path: [],
  });
  const second = said(shop.launchApp(pythonApp));
  t.like(second, { argv: ['warm'], env: { GIVEN: 'build', OWN: 'set by the app' }, hour: 0 });
  t.not(first['random'], second['random']);
});

test('Python: hooks that fail or hang, and an image of another script, mean a cold start', async (t) => {
  const shop = new AdapterShop(t);
  t.is(shop.buildApp(pythonApp, '', 'args = "deliver"').status, 0);
  // Takes all the time that hooks have, in which other tests go on.
  const hung = shop.startApp(pythonApp, { HANG: '1' });
  const failed = shop.launchApp(pythonApp, { FAIL: '1' }, ['one'], []);
  t.like(said(failed), { argv: ['one'], hooks: [], modules: false, pid: failed.pid }, failed.stderr);
  t.regex(failed.stderr, /ValueError: as asked/);
  const other = { ...pythonApp, file: 'other.py' };
  shop.write('other.py', 'print("{}")\n');
  t.deepEqual(said(shop.launchApp(other, {}, [], [])), {});
  const { pid, stdout, stderr } = await hung;
  t.deepEqual(
    { ...said({ stdout, stderr }), random: 0, env: 0 },
    {
      random: 0,
      env: 0,
      argv: ['warm'],
      hooks: [],
      modules: false,
      pid,
      native: pid,
      hour: 0,
      path: [],
    },
    stderr,
  );
});

test("Python: the app's own sitecustomize is loaded, and its programs are not given the adapter", (t) => {
  const shop = new AdapterShop(t);
  shop.write('sitecustomize.py', 'import builtins\nbuiltins.own = 1\n');
  const source = `import json, os, subprocess, sys
code = "import sys; print('thaw_adapter' in sys.modules, own)"
child = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout
names = [name for name in os.environ if name.startswith('THAW')]
print(json.dumps([own, child, names, os.environ['PYTHONPATH']]), flush=True)
print('warm', flush=True)
while not os.path.exists('go'): pass
`;
  const built = shop.buildApp({ ...pythonApp, source }, '', '', `, PYTHONPATH = "${shop.folder}"`);
  t.is(built.status, 0, built.stderr);
  const log = readFileSync(join(shop.store, 'profiles/app/warmup.log'), 'utf8');
  t.deepEqual(JSON.parse(log.split('\n')[0] ?? ''), [1, 'False 1\n', [], shop.folder]);
});

const nodeApp: App = {
  program: process.execPath,
  file: 'app.cjs',
  source: `const crypto = require('crypto');
const fs = require('fs');
const { Worker } = require('worker_threads');
const thaw = globalThis[Symbol.for('thaw')];
const { random } = Math;
const draws = () => [Math.random(), random(), crypto.randomInt(2 ** 40), crypto.randomUUID(), globalThis.crypto.randomUUID()];
const hooks = [];
draws();
process.env.OWN = 'set by the app';
thaw?.beforeCheckpoint(async () => hooks.push('before'));
thaw?.afterRestore(() => {
  hooks.push('first');
  if ('FAIL' in process.env) throw new Error('as asked');
  while ('HANG' in process.env) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
});
thaw?.afterRestore(() => void hooks.push('second'));
const worker = (expression, then) => {
  const made = new Worker(
    "const { parentPort } = require('worker_threads'); const crypto = require('crypto');" +
    "const draws = () => [Math.random(), crypto.randomInt(2 ** 40), crypto.randomUUID()];" +
    "draws(); parentPort.on('message', () => parentPort.postMessage(draws())); parentPort.postMessage('up');", { eval: true });
  made.once('message', () => then(made));
};
worker('', (old) => {
  console.log('warm');
  const timer = setInterval(() => {
    if (!fs.existsSync('go')) return;
    clearInterval(timer);
    old.once('message', (ofOld) => worker('', (fresh) => {
      const { PATH, ...env } = process.env;
      console.log(JSON.stringify({ draws: [...draws(), ...ofOld], argv: process.argv.slice(2), pid: process.pid, hooks, env,
        hour: new Date(0).getHours(), late: Math.abs(performance.timeOrigin + performance.now() - Date.now()) }));
      process.exit();
    }));
    old.postMessage('draw');
  }, 5);
});
`,
};

test('Node.js: instances differ, and have arguments, environment and time zone of their own', (t) => {
  const shop = new AdapterShop(t);
  const built = shop.buildApp(nodeApp, '', 'args = "deliver"');
  t.is(built.status, 0, built.stderr);
  t.regex(built.stderr, /ok +[\d.]+ m?s +adapter: node/);

  const here = shop.launchApp(nodeApp, { TZ: 'XXX-5', LEVEL: '7' }, ['one', 'two']);
  const first = said(here);
  t.like(first, {
    argv: ['one', 'two'],
    pid: here.pid,
    env: { GIVEN: 'build', TZ: 'XXX-5', LEVEL: '7', OWN: 'set by the app' },
    hour: 5,
    hooks: ['before', 'second', 'first'],
  });
  t.true((first['late'] as number) < 100);
  const second = said(shop.launchApp(nodeApp));
  t.like(second, { argv: ['warm'], env: { GIVEN: 'build', OWN: 'set by the app' }, hour: 0 });
  const drawn = [...(first['draws'] as unknown[]), ...(second['draws'] as unknown[])];
  t.is(drawn.length, 16);
  t.deepEqual([...new Set(drawn)], drawn);
});

test('Node.js: hooks that fail or hang, and an image of another script, mean a cold start', async (t) => {
  const shop = new AdapterShop(t);
  t.is(shop.buildApp(nodeApp, '', 'args = "deliver"').status, 0);
  const hung = shop.startApp(nodeApp, { HANG: '1' });
  const failed = shop.launchApp(nodeApp, { FAIL: '1' }, ['one'], []);
  t.like(said(failed), { argv: ['one'], hooks: [], pid: failed.pid }, failed.stderr);
  t.regex(failed.stderr, /Error: as asked/);
  shop.write('other.cjs', 'console.log("{}")');
  t.deepEqual(said(shop.launchApp({ ...nodeApp, file: 'other.cjs' }, {}, [], [])), {});
  expectCold(t, await hung);
});

const rubyApp: App = {
  program: '/usr/bin/ruby',
  file: 'app.rb',
  source: `hooks = []
lock = Mutex.new
rand
ENV['OWN'] = 'set by the app'
if defined?(Thaw)
  Thaw.before_checkpoint { lock.synchronize { hooks << 'before' } }
  Thaw.after_restore do
    hooks << 'first'
    raise 'as asked' if ENV['FAIL']
    sleep 0.1 while ENV['HANG']
  end
  Thaw.after_restore { hooks << 'second' }
end
puts 'warm'
$stdout.flush
sleep 0.005 until File.exist?('go')
words = ->(list) { '[' + list.map { |word| '"' + word.to_s + '"' }.join(',') + ']' }
env = ENV.to_h.reject { |name, _| name == 'PATH' }.map { |name, value| '"' + name + '":"' + value + '"' }.join(',')
puts '{"draws":' + words.([rand, Random.rand, [*1..1000].shuffle.first(5).join(' ')]) + ',"argv":' + words.(ARGV) +
  ',"pid":' + Process.pid.to_s + ',"hooks":' + words.(hooks) + ',"hour":' + Time.at(0).hour.to_s + ',"env":{' + env + '}}'
`,
};

test('Ruby: instances differ, and have arguments, environment and time zone of their own', async (t) => {
  const shop = new AdapterShop(t);
  const built = shop.buildApp(rubyApp, '', 'args = "deliver"');
  t.is(built.status, 0, built.stderr);
  t.regex(built.stderr, /ok +[\d.]+ m?s +adapter: ruby/);
  const here = shop.launchApp(rubyApp, { TZ: 'XXX-5', LEVEL: '7' }, ['one', 'two']);
  const first = said(here);
  t.like(first, {
    argv: ['one', 'two'],
    pid: here.pid,
    env: { GIVEN: 'build', TZ: 'XXX-5', LEVEL: '7', OWN: 'set by the app' },
    hour: 5,
    hooks: ['before', 'second', 'first'],
  });
  const second = said(shop.launchApp(rubyApp));
  t.like(second, { argv: ['warm'], env: { GIVEN: 'build', OWN: 'set by the app' }, hour: 0 });
  const drawn = [...(first['draws'] as unknown[]), ...(second['draws'] as unknown[])];
  t.deepEqual([...new Set(drawn)], drawn);

  const hung = shop.startApp(rubyApp, { HANG: '1' });
  const failed = shop.launchApp(rubyApp, { FAIL: '1' }, ['one'], []);
  t.like(said(failed), { argv: ['one'], hooks: [], pid: failed.pid }, failed.stderr);
  t.regex(failed.stderr, /as asked/);
  expectCold(t, await hung);
});

const javaApp: App = {
  program: '/usr/bin/java',
  file: 'App.java',
  options: ['-XX:-UsePerfData', '-XX:+UseSerialGC', '-Xmx64m', '-XX:TieredStopAtLevel=1', 'App'],
  source: `import java.security.SecureRandom;
import java.util.*;
import java.util.concurrent.ThreadLocalRandom;

public class App {
    static final List<String> hooks = new ArrayList<>();
    static final Random kept = new Random();
    /** What it does with its seed is its own. */
    static final class Own extends Random { }
    static final Random own = new Own();
    static final SplittableRandom split = new SplittableRandom();
    static final List<SecureRandom> secure = new ArrayList<>();

    /** Its own class: without thaw there is no jdk.crac. */
    static final class Hook implements jdk.crac.Resource {
        final String name;
        Hook(String name) { this.name = name; }
        public void beforeCheckpoint(jdk.crac.Context<? extends jdk.crac.Resource> context) { hooks.add("before " + name); }
        public void afterRestore(jdk.crac.Context<? extends jdk.crac.Resource> context) {
            hooks.add(name);
            if (System.getenv("FAIL") != null) throw new IllegalStateException("as asked");
            while (System.getenv("HANG") != null) java.util.concurrent.locks.LockSupport.parkNanos(100_000_000);
        }
    }
    static final class Hooks {
        static final List<Hook> all = List.of(new Hook("first"), new Hook("second"));
        static void call() throws Exception {
            jdk.crac.Core.checkpointRestore();
            hooks.add("called");
        }
        static void register() {
            for (Hook hook : all) jdk.crac.Core.getGlobalContext().register(hook);
        }
    }
    static List<Object> draws() {
        List<Object> all = new ArrayList<>(List.of(Math.random(), ThreadLocalRandom.current().nextLong(), UUID.randomUUID(),
            kept.nextLong(), kept.nextGaussian(), split.nextLong(), new SplittableRandom().nextLong(), new Random().nextLong(),
            new java.rmi.server.UID(), new SplittableRandom().split().nextLong()));
        for (SecureRandom one : secure) all.add(one.nextLong());
        List<Integer> shuffled = new ArrayList<>();
        for (int i = 0; i < 1000; i++) shuffled.add(i);
        Collections.shuffle(shuffled);
        all.add(shuffled.subList(0, 5));
        return all;
    }
    static String words(Collection<?> list) {
        StringBuilder text = new StringBuilder("[");
        for (Object one : list) text.append(text.length() == 1 ? "" : ",").append('"').append(one).append('"');
        return text.append(']').toString();
    }
    public static void main(String[] args) throws Exception {
        try { Hooks.register(); } catch (NoClassDefFoundError none) { hooks.add("none"); }
        for (String name : List.of("DRBG", "SHA1PRNG", "NativePRNG")) secure.add(SecureRandom.getInstance(name));
        draws();
        long pid = ProcessHandle.current().pid();
        Map<String, String> environment = System.getenv();
        Date zero = new Date(0);
        zero.getHours();
        System.out.println("warm " + System.getenv("JAVA_TOOL_OPTIONS") + " " + System.getenv("THAW_ADAPTER"));
        if (System.getenv("CALL") != null) Hooks.call();
        while (!new java.io.File("go").exists()) Thread.sleep(5);
        // It runs beside the hooks, and would end before one that hangs.
        while (System.getenv("HANG") != null && !hooks.contains("none")) Thread.sleep(5);
        List<String> env = new ArrayList<>();
        environment.forEach((name, value) -> { if (!List.of("PATH", "HOME", "LANG", "USER", "LOGNAME").contains(name)) env.add(name + "=" + value); });
        String child = new String(new ProcessBuilder("/bin/sh", "-c", "echo $LEVEL").start().getInputStream().readAllBytes());
        Collections.sort(env);
        System.out.println("{\\"draws\\":" + words(draws()) + ",\\"argv\\":" + words(Arrays.asList(args)) + ",\\"pid\\":" +
            ProcessHandle.current().pid() + ",\\"alive\\":" + ProcessHandle.current().isAlive() + ",\\"hooks\\":" + words(hooks) +
            ",\\"env\\":" + words(env) + ",\\"child\\":\\"" + child.trim() + "\\",\\"hour\\":" + new Date(0).getHours() + "}");
        if (pid == 0) throw new AssertionError();
    }
}
`,
};

/** Compiles the app into the workshop's folder. */
function compile(shop: AdapterShop, { file, source }: App): void {
  const classes = join(dirname(thawExec), 'java');
  const made = spawnSync('javac', ['-nowarn', '-cp', classes, shop.write(file, source)], {
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(made.stderr);
}

test('Java: instances differ, and have arguments, environment and time zone of their own', async (t) => {
  const shop = new AdapterShop(t);
  compile(shop, javaApp);
  const built = shop.buildApp(javaApp, '', 'args = "deliver"');
  t.is(built.status, 0, built.stderr);
  t.regex(built.stderr, /ok +[\d.]+ m?s +adapter: java; in all .* same numbers: App\$Own \(1\)\. /);
  const log = readFileSync(join(shop.store, 'profiles/app/warmup.log'), 'utf8');
  t.regex(log, /^warm null null$/m, 'the adapter shows in the environment');

  const here = shop.launchApp(javaApp, { TZ: 'XXX-5', LEVEL: '7' }, ['one']);
  const first = said(here);
  t.like(first, {
    argv: ['one'],
    pid: here.pid,
    alive: true,
    env: ['GIVEN=build', 'LEVEL=7', 'TZ=XXX-5'],
    child: '7',
    hour: 5,
    hooks: ['before second', 'before first', 'first', 'second'],
  });
  const second = said(shop.launchApp(javaApp));
  t.like(second, { argv: ['warm'], env: ['GIVEN=build'], child: '', hour: 0 });
  const drawn = [...(first['draws'] as unknown[]), ...(second['draws'] as unknown[])];
  t.is(drawn.length, 28);
  t.deepEqual([...new Set(drawn)], drawn);

  const hung = shop.startApp(javaApp, { HANG: '1' });
  const failed = shop.launchApp(javaApp, { FAIL: '1' }, ['one'], []);
  t.like(said(failed), { argv: ['one'], hooks: ['none'], pid: failed.pid }, failed.stderr);
  t.regex(failed.stderr, /IllegalStateException: as asked/);
  const more = shop.launchApp(javaApp, {}, ['one', 'two'], []);
  t.like(said(more), { argv: ['one', 'two'], hooks: ['none'] }, more.stderr);
  expectCold(t, await hung, ['none']);
});

test('Java: an app calls for the checkpoint itself', (t) => {
  const shop = new AdapterShop(t);
  compile(shop, javaApp);
  const built = shop.buildApp(javaApp, '', '', ', CALL = "1"', '{ call = true }');
  t.is(built.status, 0, built.stderr);
  const here = shop.launchApp(javaApp, { CALL: '1' });
  t.like(said(here), {
    pid: here.pid,
    hooks: ['before second', 'before first', 'first', 'second', 'called'],
  });
});

test('an app that does not load its adapter is built without one, unless the profile names it', (t) => {
  const shop = new AdapterShop(t);
  shop.write('app.py', "import time\nprint('warm', flush=True)\nwhile True: time.sleep(0.01)\n");
  const profile = (adapter: string): string =>
    shop.write(
      'app.toml',
      `name = "app"\nprogram = "${python}"\nargs = ["-E", "app.py"]\nadapter = "${adapter}"\n` +
        '[warmup]\nuntil = { log = "warm$" }\nsettle = "300ms"\n',
    );
  const auto = shop.thaw('build', profile('auto'));
  t.is(auto.status, 0, auto.stderr);
  t.regex(auto.stderr, /the python adapter was not loaded; what python has cached stays/);
  const named = shop.thaw('build', profile('python'));
  t.is(named.status, 1);
  t.regex(named.stderr, /the python adapter was not loaded.*adapter = "none"/s);
});

test("the adapter is that of the program's name, or of a script's interpreter", (t) => {
  const shop = new AdapterShop(t);
  for (const [line, name] of [
    ['#!/usr/bin/python3 -u', 'python'],
    ['#!/usr/bin/env node', 'node'],
    ['#! /opt/ruby/bin/ruby3.1', 'ruby'],
    ['#!/usr/bin/java --source 17', 'java'],
    ['#!/bin/sh', undefined],
    ['\x7fELF python3', undefined],
  ] as const)
    t.is(adapterOf('auto', shop.write('script', `${line}\n`)), name, line);
  t.is(adapterOf('auto', '/usr/bin/python3.11'), 'python');
  t.is(adapterOf('auto', '/usr/bin/pythonic'), undefined);
  t.is(adapterOf('none', '/usr/bin/node'), undefined);
  t.is(adapterOf('ruby', '/usr/bin/app'), 'ruby');
});
