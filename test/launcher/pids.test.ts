// The pid that an app keeps of itself, through thaw build: found, corrected by each launch, or named.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Image } from '../../launcher/engine/index.js';
import { apps, thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Workshop, buildWithLargePid, builtWith, python } from './support.js';

const UNTIL = 'until = { log = "warm$" }\nsettle = "300ms"';

/** Under the lock of the builds that raise it for a moment. */
function limit(): number {
  const file = '/proc/sys/kernel/pid_max';
  return Number(spawnSync('flock', ['--shared', file, 'cat', file], { encoding: 'utf8' }).stdout);
}

test("Python's own pid, and asyncio, which compares it", (t) => {
  const workshop = new Workshop(t);
  const before = limit();
  const work = `
import asyncio
mine = os.getpid()
async def main():
    global mine
    print('warm', flush=True)
    while not os.path.exists('go'): await asyncio.sleep(0.001)
    asyncio.get_running_loop()
    print('same' if mine == os.getpid() else f'kept {mine}', flush=True)
asyncio.run(main())
`;
  const built = buildWithLargePid(t, workshop, workshop.profile('app', UNTIL, work));
  if (built === undefined) return;
  // Tests that run beside this one raise it for the whole run.
  t.true([before, 4_194_304].includes(limit()), "the machine's limit");
  const launched = workshop.launch('app');
  t.is(launched.status, 0, launched.stderr);
  // By chance, other numbers of the kind may be there as well: then the build has named it.
  if (!/in memory may be/.test(built.stderr)) t.regex(launched.stdout, /^same$/m);
  t.regex(workshop.thaw('show', 'app').stdout, /thread ids in memory/);
});

test("Node's process.pid leads to itself", (t) => {
  const workshop = new Workshop(t);
  workshop.write(
    'app.mjs',
    `import { existsSync, readlinkSync } from 'node:fs';
     process.on('SIGUSR2', () => { console.log('reached'); process.exit(0); });
     console.log('warm', process.pid);
     const timer = setInterval(() => {
       if (!existsSync('go')) return;
       clearInterval(timer);
       console.log(String(process.pid) === readlinkSync('/proc/self') ? 'same' : \`kept \${process.pid}\`);
       process.kill(process.pid, 'SIGUSR2');
       setTimeout(() => process.exit(1), 2000);
     }, 5);`,
  );
  const profile = workshop.write(
    'app.toml',
    `name = "app"\nprogram = "${process.execPath}"\nargs = ["app.mjs"]\n[warmup]\n${UNTIL.replace('warm$', '^warm \\\\d')}\n`,
  );
  const built = buildWithLargePid(t, workshop, profile);
  if (built === undefined) return;
  t.regex(built.stderr, /warning +the pid \d{7} of the warm-up stands as text in memory/);
  workshop.write('go', '');
  const launched = workshop.thaw('run', 'app', '--no-fallback');
  t.is(launched.status, 0, launched.stderr);
  t.is(launched.stdout, 'same\nreached\n');
});

test('ids of threads, in every form', (t) => {
  const workshop = new Workshop(t);
  const args = ['status', 'go', '.'].map((name) => join(workshop.folder, name));
  const profile = workshop.write(
    'app.toml',
    `name = "app"\nprogram = "${join(apps, 'own_ids')}"\nargs = ${JSON.stringify(args)}\n` +
      `[warmup]\nuntil = { file = "${args[0] ?? ''}" }\nsettle = "300ms"\n`,
  );
  const built = buildWithLargePid(t, workshop, profile);
  if (built === undefined) return;
  t.notRegex(built.stderr, /SKIP/);
  // Where the kernel gives out small ids just now, only the main thread has been given a large one.
  const { processes } = JSON.parse(workshop.thaw('show', 'app', '--json').stdout) as Image;
  const small = processes[0]?.threads.some(({ tid }) => tid < 65_536) ?? false;
  const named = /warning +\d numbers? in memory may be (?:a clock|clocks) of the CPU time of threads/;
  (small ? t.regex : t.notRegex)(built.stderr, named);
  workshop.write('go', '');
  const launched = workshop.thaw('run', 'app', '--no-fallback');
  t.is(launched.status, 0, launched.stderr);
});

test('A Ruby program knows its pid and ends by SIGTERM, which its timer thread compares pids for', (t) => {
  const workshop = new Workshop(t);
  workshop.write(
    'app.rb',
    `$stdout.sync = true
     mine = Process.pid
     puts 'warm'
     sleep 0.005 until File.exist?('go')
     puts mine.to_s == File.readlink('/proc/self') ? 'same' : "kept #{mine}"
     Process.spawn('kill -TERM $PPID')
     sleep 5`,
  );
  const profile = workshop.write(
    'app.toml',
    `name = "app"\nprogram = "/usr/bin/ruby"\nargs = ["app.rb"]\n[warmup]\n${UNTIL}\n`,
  );
  const built = buildWithLargePid(t, workshop, profile);
  if (built === undefined) return;
  workshop.write('go', '');
  const launched = workshop.thaw('run', 'app', '--no-fallback');
  t.is(launched.signal, 'SIGTERM', launched.stderr);
  // By chance, other numbers of the kind may be there as well: then the build has named it.
  if (!/in memory may be/.test(built.stderr)) t.is(launched.stdout, 'same\n');
});

test('a pid file that nobody writes again is named, with the policy that writes it', (t) => {
  const workshop = new Workshop(t);
  const work = "file = open('app.pid', 'w'); file.write(str(os.getpid())); file.close()";
  const path = workshop.profile('app', UNTIL, work);
  const named = workshop.thaw('build', path);
  t.is(named.status, 0, named.stderr);
  t.regex(named.stderr, /warning +.*\/app\.pid holds the pid \d+ of the warm-up/);
  t.regex(named.stderr, /\[\[policies\]\]\n +type = "file"\n +path = ".*\/app\.pid"\n +action = "pid"/);

  const policy = '\n[[policies]]\ntype = "file"\npath = "*/app.pid"\naction = "pid"\n';
  const built = workshop.thaw('build', workshop.profile('app', UNTIL + policy, work));
  t.is(built.status, 0, built.stderr);
  t.notRegex(built.stderr, /app\.pid/);
});

test('a pid file with more lines is written anew; while the process lives that it names, a launch is a cold start', (t) => {
  const workshop = new Workshop(t);
  const lock = join(workshop.folder, 'app.lock');
  const work =
    "f = open('app.lock', 'w'); f.write(f'{os.getpid()}\\n/srv/data\\n8123\\n'); f.close(); os.chmod('app.lock', 0o600)";
  const policy =
    '\n[[policies]]\ntype = "file"\npath = "*/app.lock"\naction = "pid"\n[inputs]\nignore = ["go"]\n';
  const built = workshop.thaw('build', workshop.profile('app', UNTIL + policy, work));
  t.is(built.status, 0, built.stderr);
  for (const left of ['999999999\n/srv/data\n8123\n', undefined]) {
    rmSync(lock, { force: true });
    if (left !== undefined) writeFileSync(lock, left, { mode: 0o600 });
    const { pid, stdout, stderr } = workshop.launch('app', { THAW_LOG: 'warn' });
    t.is(stdout, 'done\n', stderr);
    t.is(readFileSync(lock, 'utf8'), `${pid}\n/srv/data\n8123\n`);
    t.is(statSync(lock).mode & 0o777, 0o600);
  }
  writeFileSync(lock, `${process.ppid}\n`);
  const cold = workshop.launch('app');
  t.regex(cold.stderr, new RegExp(`app\\.lock names process ${process.ppid}, which lives`));
  t.is(cold.stdout, 'warming\nwarm\ndone\n');
  t.is(readFileSync(lock, 'utf8'), `${cold.pid}\n/srv/data\n8123\n`);
});

test('a pid that each launch keeps', (t) => {
  const workshop = new Workshop(t);
  if (process.getuid?.() !== 0) {
    t.pass();
    return;
  }
  const profile = workshop.profile('app', UNTIL, 'mine = os.getpid()', '[launch]\nkeep_pid = true');
  const built = workshop.thaw('build', profile);
  t.is(built.status, 0, built.stderr);
  workshop.write('go', '');
  const launched = workshop.thawWith({ THAW_LOG: 'info' }, 'run', 'app', '--no-fallback');
  t.is(launched.status, 0, launched.stderr);
  t.regex(launched.stdout, /done/);

  // A caller that ignores SIGCHLD: the stand-in must see the end of the app all the same.
  const launch = [thawExec, '--store', workshop.store, '--no-fallback', '--', python, 'app.py'];
  const ignoring = spawnSync('sh', ['-c', 'trap "" CHLD; exec env -u PWD "$@"', 'sh', ...launch], {
    cwd: workshop.folder,
    encoding: 'utf8',
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
    env: builtWith,
  });
  t.is(ignoring.status, 0, ignoring.stderr);
  t.regex(ignoring.stdout, /done/);
});
