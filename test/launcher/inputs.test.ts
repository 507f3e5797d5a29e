// A launch after something has changed that the warm state was computed from is a cold start which names it; one after a
// change that says nothing is warm.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { type Change, Fixture, expectChanges } from './fixture.js';
import { builtWith, python } from './support.js';

const pythonApp = (interpreter: string): string => `#!${interpreter}
import sys; print('warming', flush=True)
sys.path[1:1] = ['first', 'lib']
import ctypes, os, time, zlib
import helper
log = open('app.log', 'a'); log.write('started\\n'); log.close()
state = [open(name).read() for name in ('config.txt', 'ignored.txt', 'link.txt', 'same.txt', 'app.mo')]
state.append(sorted(os.listdir('conf.d')) + os.listdir('empty'))
state.append([os.path.exists('data/absent/' + name) for name in 'ab'])
for nothing in ('n' * 300, 'round.txt'): state.append(os.path.exists(nothing))
if os.path.exists('optional.txt'): state.append(open('optional.txt').read())
library = ctypes.CDLL(os.path.abspath('library.so'))
time.localtime()
print('warm', flush=True)
while not os.path.exists('go'): time.sleep(0.01)
print('done', os.environ.get('LEVEL', ''), flush=True)
#0`;

/** Of runtimes, or adapters, that read all variables at their start. */
const variableChanges: readonly Change[] = [
  [
    'variable added',
    (f) => {
      f.set('NEW', 'one');
    },
    '$NEW',
  ],
  [
    'variable changed',
    (f) => {
      f.set('LEVEL', '8');
    },
    '$LEVEL',
  ],
  [
    'variable gone',
    (f) => {
      f.set('LEVEL');
    },
    '$LEVEL',
  ],
  [
    'other time zone',
    (f) => {
      f.set('TZ', 'UTC-2');
    },
    '$TZ',
  ],
  [
    'other locale',
    (f) => {
      f.set('LANG', 'C');
    },
    '$LANG',
  ],
  [
    'variable that is another one at each start',
    (f) => {
      f.set('SHLVL', '4');
    },
    null,
  ],
];

/** Of a folder that the app lists: `conf.d`, with `a.conf` in it. */
const folderChanges = (folder: string): readonly Change[] => [
  [
    'folder gets an entry',
    (f) => {
      f.add(`${folder}/b.conf`);
    },
    folder,
  ],
  [
    'folder loses an entry',
    (f) => {
      f.moveAway(`${folder}/a.conf`);
    },
    folder,
  ],
  [
    'folder touched only',
    (f) => {
      f.touch(folder);
    },
    null,
  ],
  [
    'entry that was not read',
    (f) => {
      f.edit(`${folder}/a.conf`);
    },
    null,
  ],
];

const linkChanges: readonly Change[] = [
  [
    'link leads elsewhere',
    (f) => {
      f.retarget('link.txt', 'one.txt', 'two.txt');
    },
    'link.txt',
  ],
  [
    'link leads to the same content',
    (f) => {
      f.retarget('same.txt', 'one.txt', 'one_more.txt');
    },
    null,
  ],
];

const pythonChanges: readonly Change[] = [
  [
    'empty folder touched only',
    (f) => {
      f.touch('empty');
    },
    null,
  ],
  [
    'empty folder gets an entry',
    (f) => {
      f.add('empty/new.conf');
    },
    'empty',
  ],
  [
    'config edited',
    (f) => {
      f.edit('config.txt');
    },
    'config.txt',
  ],
  [
    'config edited, equal size and time',
    (f) => {
      f.patch('config.txt');
    },
    'config.txt',
  ],
  [
    'config replaced, equal size and time',
    (f) => {
      f.replace('config.txt');
    },
    'config.txt',
  ],
  [
    'config gone',
    (f) => {
      f.moveAway('config.txt');
      f.add('config.txt', '');
    },
    'config.txt',
  ],
  [
    'config touched only',
    (f) => {
      f.touch('config.txt');
    },
    null,
  ],
  [
    'config replaced by the same',
    (f) => {
      f.replace('config.txt', true);
    },
    null,
  ],
  [
    'module edited',
    (f) => {
      f.edit('lib/helper.py');
    },
    'lib/helper.py',
  ],
  [
    'module edited, equal size and time',
    (f) => {
      f.patch('lib/helper.py');
    },
    'lib/helper.py',
  ],
  [
    'new module earlier in the path',
    (f) => {
      f.add('first/helper.py', '');
    },
    'first',
  ],
  [
    'new module beside the program',
    (f) => {
      f.add('helper.py', '');
    },
    '.',
  ],
  [
    'library upgraded, equal size and time',
    (f) => {
      f.patch('library.so');
    },
    'library.so',
  ],
  [
    'library replaced, equal size and time',
    (f) => {
      f.replace('library.so');
    },
    'library.so',
  ],
  [
    'library touched only',
    (f) => {
      f.touch('library.so');
    },
    'library.so',
  ],
  [
    'messages of the language',
    (f) => {
      f.patch('app.mo');
    },
    'app.mo',
  ],
  [
    'time zone',
    (f) => {
      f.patch('zone');
    },
    'zone',
  ],
  [
    'missing file appears',
    (f) => {
      f.add('optional.txt');
    },
    'optional.txt',
  ],
  [
    'missing file appears in a folder that was missing as well',
    (f) => {
      f.add('data/absent/b');
    },
    'data/absent/b',
  ],
  [
    'program replaced, equal size and time',
    (f) => {
      f.replace('app.py');
    },
    'app.py',
  ],
  [
    'interpreter of #! patched',
    (f) => {
      f.patch('python3');
    },
    'python3',
  ],
  [
    'interpreter of #! replaced',
    (f) => {
      f.replace('python3');
    },
    'python3',
  ],
  [
    'log written',
    (f) => {
      f.edit('app.log');
    },
    null,
  ],
  [
    'unrelated file beside the program',
    (f) => {
      f.add('notes.txt');
    },
    null,
  ],
  [
    'inputs.ignore',
    (f) => {
      f.edit('ignored.txt');
    },
    null,
  ],
  [
    'inputs.add',
    (f) => {
      f.edit('added/one.txt');
    },
    'added/one.txt',
  ],
  [
    'first of many',
    (f) => {
      f.patch('many/0');
    },
    'many/0',
  ],
  [
    'last of many, equal size and time',
    (f) => {
      f.patch('many/999');
    },
    'many/999',
  ],
  [
    'two of many',
    (f) => {
      f.edit('many/5');
      f.edit('many/995');
    },
    'many/5',
  ],
  [
    'inputs.add, new match',
    (f) => {
      f.add('added/two.txt');
    },
    'added',
  ],
  ...folderChanges('conf.d'),
  ...linkChanges,
];

test('changes after a build of a Python app', (t) => {
  const fixture = new Fixture((folder) => ({
    TZ: `:${folder}/zone`,
    PYTHONDONTWRITEBYTECODE: '1',
    LEVEL: '7',
  }));
  t.teardown(() => {
    fixture.remove();
  });
  copyFileSync(python, fixture.path('python3'));
  copyFileSync(libraryOf(python), fixture.path('library.so'));
  copyFileSync('/usr/share/zoneinfo/UTC', fixture.path('zone'));
  fixture.write('app.py', pythonApp(fixture.path('python3')), 0o755);
  fixture.write('lib/helper.py', 'value = 1\n#0');
  fixture.write('first/other.py', '');
  for (const name of ['config.txt', 'ignored.txt', 'app.mo', 'one.txt', 'one_more.txt', 'added/one.txt'])
    fixture.write(name, 'one\n');
  fixture.write('two.txt', 'two\n');
  // So many that more than one CPU compares them.
  for (let i = 0; i < 1200; i++) fixture.write(`many/${i}`, '1\n#0');
  fixture.write('conf.d/a.conf', 'a\n');
  mkdirSync(fixture.path('empty'));
  fixture.write('data/file', '');
  symlinkSync('one.txt', fixture.path('link.txt'));
  symlinkSync('one.txt', fixture.path('same.txt'));
  symlinkSync('round.txt', fixture.path('round.txt'));
  fixture.build(
    t,
    'python',
    `name = "python"
program = "./app.py"
inputs = { ignore = ["ignored.txt"], add = ["added/*.txt", "many/*"] }
[warmup]
until = { log = "warm$" }
`,
  );
  expectChanges(t, fixture, [fixture.path('app.py')], [...pythonChanges, ...variableChanges]);
});

const systemApp = `import os, time; print('warming', flush=True)
import locale, socket
locale.setlocale(locale.LC_ALL, '')
state = [time.localtime().tm_zone, socket.getaddrinfo('localhost', 80)]
print('warm', flush=True)
while not os.path.exists('go'): time.sleep(0.01)
print('done', flush=True)
`;

/** Each with the name that `thaw show` has for it. */
const systemFiles: readonly (readonly [path: string, shown: RegExp])[] = [
  ['/etc/localtime', /zoneinfo|localtime/],
  ['/etc/resolv.conf', /resolv\.conf/],
  ['/etc/nsswitch.conf', /nsswitch\.conf/],
  ['/usr/lib/locale/C.utf8/LC_CTYPE', /locale\S*LC_CTYPE/],
];

(process.geteuid?.() === 0 ? test : test.skip)(
  'the zone, the locale, and what names are looked up by, in a mount namespace that has others',
  (t) => {
    const fixture = new Fixture(() => ({ LEVEL: '7' }));
    t.teardown(() => {
      fixture.remove();
    });
    fixture.write('system.py', systemApp);
    fixture.build(
      t,
      'system',
      `name = "system"\nprogram = "${python}"\nargs = ["system.py"]\n[warmup]\nuntil = { log = "warm$" }\n`,
    );
    const command = [python, 'system.py'];
    const shown = fixture.thaw('show', 'system').stdout;
    const unrelated = fixture.launchWith('/etc/issue', fixture.write('other', 'x'), command);
    t.true(unrelated.warm, unrelated.stderr);
    for (const [path, name] of systemFiles.filter(([path]) => existsSync(path))) {
      t.regex(shown, name);
      const other = fixture.write('other', `${readFileSync(path, 'latin1')}\n`);
      const { warm, stderr } = fixture.launchWith(path, other, command);
      t.false(warm, path);
      t.regex(stderr, new RegExp(`${name.source}\\S* has changed`), path);
    }
  },
);

const nodeApp = `console.log('warming');
const fs = require('node:fs');
const config = require('./config.json');
const { value } = require('dependency');
const linked = require('./linked.cjs');
try { require('./optional.cjs'); } catch {}
const names = fs.readdirSync('app/conf.d');
const own = fs.readFileSync('app/own.txt');
console.log('warm');
const timer = setInterval(() => {
  if (!fs.existsSync('go')) return;
  console.log('done', process.env.LEVEL ?? '');
  clearInterval(timer);
}, 10);
`;

const nodeChanges: readonly Change[] = [
  [
    'config edited',
    (f) => {
      f.edit('app/config.json');
    },
    'app/config.json',
  ],
  [
    'config touched only',
    (f) => {
      f.touch('app/config.json');
    },
    null,
  ],
  [
    'module edited, equal size and time',
    (f) => {
      f.patch('node_modules/dependency/index.js');
    },
    'node_modules/dependency/index.js',
  ],
  [
    "module's package",
    (f) => {
      f.edit('node_modules/dependency/package.json');
    },
    'node_modules/dependency/package.json',
  ],
  [
    'module replaced by the same',
    (f) => {
      f.replace('node_modules/dependency/index.js', true);
    },
    null,
  ],
  [
    'new module nearer',
    (f) => {
      f.add('app/node_modules/dependency.js', 'exports.value = 2;\n');
    },
    'app/node_modules',
  ],
  [
    'link of a module',
    (f) => {
      f.retarget('app/linked.cjs', 'one.cjs', 'two.cjs');
    },
    'app/linked.cjs',
  ],
  [
    'missing module appears',
    (f) => {
      f.add('app/optional.cjs', '');
    },
    'app/optional.cjs',
  ],
  [
    'program edited, equal size and time',
    (f) => {
      f.patch('app/app.cjs');
    },
    'app/app.cjs',
  ],
  [
    'file replaced, equal size and time',
    (f) => {
      f.replace('app/own.txt');
    },
    'app/own.txt',
  ],
  [
    'library upgraded, equal size and time',
    (f) => {
      f.patch('library.so');
    },
    'library.so',
  ],
  [
    'unrelated file',
    (f) => {
      f.add('app/notes.txt');
    },
    null,
  ],
  [
    'config replaced by the same',
    (f) => {
      f.replace('app/config.json', true);
    },
    null,
  ],
  [
    'module touched only',
    (f) => {
      f.touch('node_modules/dependency/index.js');
    },
    null,
  ],
  [
    'file edited',
    (f) => {
      f.edit('app/own.txt');
    },
    'app/own.txt',
  ],
  ...folderChanges('app/conf.d'),
];

test('changes after a build of a Node app', (t) => {
  const fixture = new Fixture((folder) => ({ LD_PRELOAD: `${folder}/library.so`, LEVEL: '7' }));
  t.teardown(() => {
    fixture.remove();
  });
  fixture.write('app/app.cjs', nodeApp);
  copyFileSync(libraryOf(process.execPath), fixture.path('library.so'));
  fixture.write('app/own.txt', 'own\n');
  fixture.write('app/conf.d/a.conf', 'a\n');
  fixture.write('app/config.json', '{"level": 1}\n');
  fixture.write('app/one.cjs', '//\n');
  fixture.write('app/two.cjs', '// two\n');
  symlinkSync('one.cjs', fixture.path('app/linked.cjs'));
  fixture.write('node_modules/dependency/package.json', '{"main": "index.js"}\n');
  fixture.write('node_modules/dependency/index.js', 'exports.value = 1;\n//0');
  fixture.build(
    t,
    'node',
    `name = "node"\nprogram = "${process.execPath}"\nargs = ["app/app.cjs"]\n[warmup]\nuntil = { log = "warm$" }\n`,
  );
  expectChanges(t, fixture, [process.execPath, 'app/app.cjs'], [...nodeChanges, ...variableChanges]);
});

const javaApp = `import java.nio.file.*;
public class App {
    public static void main(String[] args) throws Exception {
        System.out.println("warming");
        String config = Files.readString(Path.of("config.txt"));
        if (Files.exists(Path.of("optional.txt"))) config += Files.readString(Path.of("optional.txt"));
        config += Files.readString(Path.of("link.txt")) + Files.readString(Path.of("same.txt"));
        config += String.join(" ", Path.of("conf.d").toFile().list());
        Files.writeString(Path.of("app.log"), "started", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        System.load(Path.of("library.so").toAbsolutePath().toString());
        System.out.println("warm");
        while (!Files.exists(Path.of("go"))) Thread.sleep(10);
        System.out.println("done " + System.getenv().getOrDefault("LEVEL", ""));
    }
    static {
        try { new Helper(); } catch (LinkageError changed) { /* not a class any more */ }
    }
}
class Helper {
    public int hashCode() { return 1; }
}
`;

const javaChanges: readonly Change[] = [
  [
    'config edited, equal size and time',
    (f) => {
      f.patch('config.txt');
    },
    'config.txt',
  ],
  [
    'config touched only',
    (f) => {
      f.touch('config.txt');
    },
    null,
  ],
  [
    'class replaced by the same',
    (f) => {
      f.replace('lib/Helper.class', true);
    },
    null,
  ],
  [
    'class edited, equal size and time',
    (f) => {
      f.patch('lib/Helper.class');
    },
    'lib/Helper.class',
  ],
  [
    'new class earlier in the path',
    (f) => {
      f.add('first/Helper.class', '');
    },
    'first/Helper.class',
  ],
  [
    'missing file appears',
    (f) => {
      f.add('optional.txt');
    },
    'optional.txt',
  ],
  [
    'config edited',
    (f) => {
      f.edit('config.txt');
    },
    'config.txt',
  ],
  [
    'config replaced, equal size and time',
    (f) => {
      f.replace('config.txt');
    },
    'config.txt',
  ],
  [
    'config replaced by the same',
    (f) => {
      f.replace('config.txt', true);
    },
    null,
  ],
  [
    'class touched only',
    (f) => {
      f.touch('lib/Helper.class');
    },
    null,
  ],
  [
    'library upgraded, equal size and time',
    (f) => {
      f.patch('library.so');
    },
    'library.so',
  ],
  [
    'library replaced, equal size and time',
    (f) => {
      f.replace('library.so');
    },
    'library.so',
  ],
  [
    'log written',
    (f) => {
      f.edit('app.log');
    },
    null,
  ],
  [
    'unrelated file',
    (f) => {
      f.add('notes.txt');
    },
    null,
  ],
  ...folderChanges('conf.d'),
  ...linkChanges,
];

test('changes after a build of a Java app', (t) => {
  const fixture = new Fixture(() => ({ LEVEL: '7' }));
  t.teardown(() => {
    fixture.remove();
  });
  fixture.write('App.java', javaApp);
  for (const name of ['config.txt', 'one.txt', 'one_more.txt', 'conf.d/a.conf']) fixture.write(name, 'one\n');
  fixture.write('two.txt', 'two\n');
  symlinkSync('one.txt', fixture.path('link.txt'));
  symlinkSync('one.txt', fixture.path('same.txt'));
  copyFileSync(libraryOf(python), fixture.path('library.so'));
  fixture.write('first/README', '');
  const made = spawnSync('javac', ['-d', fixture.path('lib'), fixture.path('App.java')], {
    encoding: 'utf8',
  });
  t.is(made.status, 0, made.stderr);
  const args = ['-XX:-UsePerfData', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', 'first:lib', 'App'];
  fixture.build(
    t,
    'java',
    `name = "java"\nprogram = "/usr/bin/java"\nargs = ${JSON.stringify(args)}\n[warmup]\nuntil = { log = "warm$" }\n`,
  );
  expectChanges(t, fixture, ['/usr/bin/java', ...args], [...javaChanges, ...variableChanges]);
});

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

/** A library that the program has mapped anyway, or could. */
function libraryOf(program: string): string {
  const maps = readFileSync('/proc/self/maps', 'utf8');
  const library = /\s(\/\S*libm\.so[.0-9]*)$/m.exec(maps)?.[1];
  return library ?? join(program, '..', '..', 'lib', 'libm.so.6');
}

const keeper = `import json, os, time; print('warming', flush=True)
data = json.load(open('data.json')) if os.path.exists('data.json') else {'count': 0}
print('warm', flush=True)
while not os.path.exists('go'): time.sleep(0.01)
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

test('a link that is opened itself, as systemd follows paths, is a link', (t) => {
  const fixture = new Fixture();
  t.teardown(() => {
    fixture.remove();
  });
  fixture.write('one/file', '');
  fixture.write('two/file', '');
  symlinkSync('one', fixture.path('link'));
  fixture.write(
    'app.py',
    `import os, time; print('warming', flush=True)
os.close(os.open('link', os.O_PATH | os.O_NOFOLLOW))
print('warm', flush=True)
while not os.path.exists('go'): time.sleep(0.01)
print('done', flush=True)
`,
  );
  fixture.build(
    t,
    'opener',
    `name = "opener"\nprogram = "${python}"\nargs = ["app.py"]\n[warmup]\nuntil = { log = "warm$" }\nsettle = "500ms"\n`,
  );
  t.true(fixture.launch(python, 'app.py').warm);
  rmSync(fixture.path('link'));
  symlinkSync('two', fixture.path('link'));
  const changed = fixture.launch(python, 'app.py');
  t.false(changed.warm);
  t.regex(changed.stderr, /link leads elsewhere than when the image was made/);
});
