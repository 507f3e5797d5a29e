// Apps that write what they read: what a launch has saved is what the next one goes on with.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Fixture } from './fixture.js';
import { builtWith, python } from './support.js';

/** Starts redis from its image, gives it the commands, and ends it. @returns what it answered, and what was said */
const redisRun = (start: string, commands: readonly string[]): string =>
  `${start} & server=$!
until redis-cli -p 8291 ping > /dev/null 2>&1; do sleep 0.05; done
${commands.map((command) => `redis-cli -p 8291 ${command}`).join('\n')}
redis-cli -p 8291 shutdown nosave; wait $server`;

test('redis keeps the keys that an earlier launch has saved', (t) => {
  const fixture = new Fixture();
  t.teardown(() => {
    fixture.remove();
  });
  const args = ['--port', '8291', '--save', '3600 1', '--dir', fixture.folder, '--loglevel', 'notice'];
  fixture.build(
    t,
    'redis',
    `name = "redis"\nprogram = "redis-server"\nargs = ${JSON.stringify(args)}\n[warmup]\nuntil = { log = "Ready to accept" }\n`,
  );
  // The build's own launches have saved theirs at their end, which the build has told of.
  rmSync(fixture.path('dump.rdb'), { force: true });
  const words = args.map((word) => `'${word}'`).join(' ');
  const start = `${thawExec} --store ${fixture.store} -- redis-server ${words}`;
  const run = (...commands: readonly string[]) =>
    spawnSync('/bin/sh', ['-c', redisRun(start, commands)], {
      cwd: fixture.folder,
      encoding: 'utf8',
      timeout: PATIENCE_MS,
      env: { ...builtWith, THAW_LOG: 'info' },
    });
  const first = run('set key value', 'save');
  t.regex(first.stdout, /DB saved on disk/);
  t.notRegex(first.stderr, /starting cold/);
  const second = run('get key');
  t.regex(second.stderr, /dump\.rdb was not there when the image was made.*starting cold/);
  t.regex(second.stdout, /^value$/m);
});

const saver = `import signal, sys, time
data = int(open('count').read())
def save(*_):
    with open('count', 'w') as file: file.write(str(data + 1))
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print('warm', flush=True)
while True: time.sleep(0.01)
`;

test('a server that saves what it reads when it ends can be built', (t) => {
  const fixture = new Fixture();
  t.teardown(() => {
    fixture.remove();
  });
  fixture.write('saver.py', saver);
  fixture.write('count', '5');
  const { stderr } = fixture.build(
    t,
    'saver',
    `name = "saver"\nprogram = "${python}"\nargs = ["saver.py"]\n[warmup]\nuntil = { log = "warm$" }\n`,
  );
  t.regex(stderr, /warning +\S*count has changed.*, by the app's own launch: the next one is a cold start/);
});

const keeper = `import json, os, time; print('warming', flush=True)
data = json.load(open('data.json')) if os.path.exists('data.json') else {'count': 0}
print('warm', flush=True)
while not os.path.exists('go'): time.sleep(0.001)
data['count'] += 1
with open('data.json', 'w') as file: json.dump(data, file)
print('done', data['count'], flush=True)
`;

test("an app's own data are not overwritten with what its image remembers", (t) => {
  const fixture = new Fixture();
  t.teardown(() => {
    fixture.remove();
  });
  fixture.write('keeper.py', keeper);
  fixture.write('data.json', '{"count": 5}');
  fixture.write('go.away', '');
  const { stderr } = fixture.build(
    t,
    'keeper',
    `name = "keeper"\nprogram = "${python}"\nargs = ["keeper.py"]\n[warmup]\nuntil = { log = "warm$" }\n`,
  );
  t.notRegex(stderr, /data\.json/);
  t.is(fixture.launch(python, 'keeper.py').stdout, 'done 6\n');
  const second = fixture.launch(python, 'keeper.py');
  t.regex(second.stderr, /data\.json has changed since the image was made.*starting cold/);
  t.is(second.stdout, 'warming\nwarm\ndone 7\n');
  const { status, stdout } = fixture.thaw('verify', 'keeper');
  t.is(status, 1);
  t.regex(stdout, /input: .*data\.json has changed/);
  t.regex(fixture.thaw('show', 'keeper').stdout, /file +\S*data\.json/);

  // That launch has asked for a new image.
  const request = join(fixture.store, 'profiles', 'keeper', 'rebuild');
  t.regex(readFileSync(request, 'utf8'), /data\.json has changed/);
  t.regex(fixture.thaw('list').stdout, /keeper\.py \(out of date\)/);
  rmSync(fixture.path('go'));
  const rebuilt = fixture.thaw('rebuild');
  t.is(rebuilt.status, 0, rebuilt.stderr);
  t.regex(rebuilt.stdout, /keeper\/[0-9a-f]+\.thaw\n$/);
  t.false(existsSync(request));
  t.is(fixture.thaw('rebuild').stdout, '');
  t.is(fixture.launch(python, 'keeper.py').stdout, 'done 8\n');
});
