// A launch after something has changed that the warm state was computed from is a cold start which names it; one after a
// change that says nothing is warm.
import test from 'ava';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';

import { type Change, Fixture, expectChanges } from './fixture.js';
import { folderChanges, libraryChanges, libraryOf, linkChanges, variableChanges } from './inputs_changes.js';
import { python } from './support.js';

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
while not os.path.exists('go'): time.sleep(0.001)
print('done', os.environ.get('LEVEL', ''), flush=True)
#0`;

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
  ...libraryChanges,
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
while not os.path.exists('go'): time.sleep(0.001)
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
while not os.path.exists('go'): time.sleep(0.001)
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
