// The same as inputs.test.ts, of apps in Node.js and Java: each runtime has inputs of its own.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { copyFileSync, symlinkSync } from 'node:fs';

import { type Change, Fixture, expectChanges } from './fixture.js';
import { folderChanges, libraryChanges, libraryOf, linkChanges, variableChanges } from './inputs_changes.js';
import { python } from './support.js';

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
        while (!Files.exists(Path.of("go"))) Thread.sleep(1);
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
  ...libraryChanges,
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
