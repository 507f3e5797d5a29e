// What an app asked of its machine while it warmed up: a launch on another one, or on another part of it, is a cold start
// which names it.
import test, { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { cli, thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Fixture } from './fixture.js';
import { python } from './support.js';

const asking = `import os, time; print('warming', flush=True)
def read(path):
    try: return open(path).read()
    except OSError: return None
machine = (os.uname(), os.sched_getaffinity(0), os.sysconf('SC_PHYS_PAGES'), read('/proc/meminfo'))
machine += (read('/sys/devices/system/cpu/online'), read('/sys/fs/cgroup/cpu.max'), read('/sys/fs/cgroup/memory.max'))
print('warm', flush=True)
while not os.path.exists('go'): time.sleep(0.001)
print('done', flush=True)
`;

const root = process.geteuid?.() === 0;

function built(t: ExecutionContext, ignored: readonly string[]): Fixture {
  const fixture = new Fixture();
  t.teardown(() => {
    fixture.remove();
  });
  fixture.write('app.py', asking);
  fixture.build(
    t,
    'asking',
    `name = "asking"\nprogram = "${python}"\nargs = ["app.py"]\ninputs = { ignore_machine = ${JSON.stringify(ignored)} }
[warmup]\nuntil = { log = "warm$" }\nsettle = "300ms"\n`,
  );
  fixture.write('go', '');
  return fixture;
}

/** Launches by a shell, so that `wrap` can change what the launch finds. */
function launch(fixture: Fixture, wrap: string): { warm: boolean; stderr: string } {
  const command = `${thawExec} --store ${fixture.store} -- ${python} app.py`;
  const { stdout, stderr } = spawnSync('sh', ['-c', wrap.replace('LAUNCH', command)], {
    cwd: fixture.folder,
    encoding: 'utf8',
    timeout: PATIENCE_MS,
    env: { PATH: process.env['PATH'], THAW_LOG: 'info' },
  });
  return { warm: !stdout.includes('warming') && stdout.includes('done'), stderr };
}

interface Other {
  readonly what: string;
  readonly wrap: string;
  readonly reason: RegExp;
  /** Whether the launch asks for another image. */
  readonly stale?: true;
  /** Why it cannot be tried here; undefined: it can. */
  readonly lacking: string | undefined;
}

const others: readonly Other[] = [
  {
    what: 'fewer CPUs for the caller',
    wrap: 'taskset -c "$(taskset -cp $$ | sed "s/.*: //; s/[,-].*//")" LAUNCH',
    reason: /the number of CPUs that the caller may run on is 1, and was [0-9]+ /,
    lacking: availableParallelism() < 2 ? 'one CPU' : undefined,
  },
  {
    what: 'another hostname',
    wrap: "unshare -u sh -c 'hostname thaw-other; LAUNCH'",
    stale: true,
    reason: /the hostname is thaw-other, and was \S+ when/,
    lacking: root ? undefined : 'root',
  },
  {
    what: 'fewer CPUs in the machine',
    wrap: "unshare -m sh -c 'echo 0 > online; mount --bind online /sys/devices/system/cpu/online; LAUNCH'",
    reason: /the number of CPUs that are online is 1, and was [0-9]+ /,
    lacking: !root ? 'root' : availableParallelism() < 2 ? 'one CPU' : undefined,
  },
];

test('another machine, or another part of it', (t) => {
  const fixture = built(t, []);
  t.true(launch(fixture, 'LAUNCH').warm, 'the same machine');
  const group = limitedGroup(t);
  const tried = group === undefined ? others : [...others, group];
  for (const { what, wrap, reason, stale = false, lacking } of tried) {
    if (lacking !== undefined) {
      t.log(`${what}: not tried, ${lacking}`);
      continue;
    }
    const { warm, stderr } = launch(fixture, wrap);
    t.false(warm, `${what}: ${stderr}`);
    t.regex(stderr, reason, what);
    const request = join(fixture.store, 'profiles/asking/rebuild');
    t.is(existsSync(request), stale, what);
    rmSync(request, { force: true });
  }
  t.true(launch(fixture, 'LAUNCH').warm, 'the same machine again');
  t.regex(fixture.thaw('show', 'asking').stdout, /^ +hostname +the hostname +\S+$/m);
});

test('inputs.ignore_machine', (t) => {
  const fixture = built(t, ['hostname', 'cpus', 'memory']);
  const group = limitedGroup(t);
  for (const { what, wrap, lacking } of group === undefined ? others : [...others, group])
    if (lacking === undefined) {
      const { warm, stderr } = launch(fixture, wrap);
      t.true(warm, `${what}: ${stderr}`);
    }
});

const runtime = `console.log('warming');
const { existsSync } = require('node:fs');
if (process.argv[2] === 'keep') globalThis.kept = require('node:os').hostname();
console.log('warm');
setInterval(() => { if (existsSync('go')) { console.log('done'); process.exit(); } }, 10);
`;

for (const keeps of [false, true])
  (root ? test : test.skip)(`Node asks for the hostname; the app keeps it: ${keeps}`, (t) => {
    const fixture = new Fixture();
    t.teardown(() => {
      fixture.remove();
    });
    fixture.write('app.js', runtime);
    const args = keeps ? ['app.js', 'keep'] : ['app.js'];
    const toml = `name = "node"\nprogram = "${process.execPath}"\nargs = ${JSON.stringify(args)}
[warmup]\nuntil = { log = "warm$" }\nsettle = "50ms"\n[launch]\nenv = "image"\n`;
    const name = 'Zebra-crossing';
    const under = (host: string, command: string): string =>
      `unshare -u sh -c 'hostname ${host}; unset HOSTNAME; exec ${command}'`;
    const build = [
      process.execPath,
      cli,
      'build',
      '--store',
      fixture.store,
      fixture.write('node.toml', toml),
    ];
    const made = spawnSync('sh', ['-c', under(name, build.join(' '))], {
      encoding: 'utf8',
      timeout: 600_000,
    });
    t.is(made.status, 0, made.stderr);
    t.is(made.stderr.includes(name), keeps, made.stderr);
    fixture.write('go', '');
    const command = `${thawExec} --store ${fixture.store} -- ${process.execPath} ${args.join(' ')}`;
    t.true(launch(fixture, under(name, command)).warm);
    const { warm, stderr } = launch(fixture, under('thaw-other', command));
    t.is(warm, !keeps, stderr);
  });

/** A cgroup below this process's with a limit of 256 MB; undefined where none can be made. */
function limitedGroup(t: ExecutionContext): Other | undefined {
  const own = readFileSync('/proc/self/cgroup', 'utf8');
  const version1 = /^\d+:(?:.*,)?memory(?:,.*)?:(.*)$/m.exec(own)?.[1];
  const version2 = /^0::(.*)$/m.exec(own)?.[1] ?? '';
  const parent = version1 === undefined ? `/sys/fs/cgroup${version2}` : `/sys/fs/cgroup/memory${version1}`;
  const group = join(parent, `thaw-test-${process.pid}-${t.title.length}`);
  try {
    mkdirSync(group);
    t.teardown(() => {
      rmdirSync(group);
    });
    const file = version1 === undefined ? 'memory.max' : 'memory.limit_in_bytes';
    writeFileSync(join(group, file), `${256 << 20}`);
  } catch {
    t.log(`a memory limit: not tried, no cgroup can be made in ${parent}`);
    return undefined;
  }
  return {
    what: 'a memory limit',
    wrap: `sh -c 'echo $$ > ${group}/cgroup.procs; exec LAUNCH'`,
    reason: /the memory limit of the caller's cgroup is 256 MB, and was [0-9]+ MB when/,
    lacking: undefined,
  };
}
