// What pages say of names that no test of theirs runs: options of commands, keys of profiles, what packages for other builders have.
import test from 'ava';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'toml';

import { readDefinition } from '../../launcher/definition/read.js';
import { readMatrix } from '../../launcher/matrix/read.js';
import { commands, thawExec } from '../../scripts/reference/commands.js';
import { blocksOf, pages, textOf } from './guide.js';

/** Lines of code: of blocks, and what stands within a line. */
function codeOf(page: string): string[] {
  const text = textOf(page);
  const spans = [...text.replaceAll(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(
    ([, code = '']) => code,
  );
  return [...spans, ...blocksOf(text).flatMap((block) => block.text.replaceAll('\\\n', ' ').split('\n'))];
}

/** Those of `thaw COMMAND` or `thaw-exec` in a line, up to what is another command's. */
function optionsIn(line: string, start: RegExp): string[] {
  const rest = start.exec(line)?.[1] ?? '';
  const own = rest.split(/ -- |[|;&>#]/)[0] ?? '';
  return [...own.matchAll(/(?<=^|[\s[])(--?[a-z][\w-]*)/g)].map(([, option = '']) => option);
}

test('options that pages name are those of the commands', async (t) => {
  const all = await commands();
  const own = thawExec().options.flatMap(({ term }) => term.match(/--[\w-]+/g) ?? []);
  let seen = 0;
  for (const page of pages())
    for (const line of codeOf(page)) {
      for (const option of optionsIn(line, /\bthaw-exec( .*)/)) {
        seen++;
        t.true(own.includes(option), `${page}: thaw-exec ${option}`);
      }
      for (const { name, options } of all)
        for (const option of optionsIn(line, new RegExp(`\\bthaw ${name}( .*)`))) {
          seen++;
          const known = options.flatMap(({ option: { long, short } }) => [long, short]);
          t.true(known.includes(option), `${page}: thaw ${name} ${option}`);
        }
    }
  t.true(seen > 50, `${seen} options`);
});

const isTable = (value: unknown): value is object => typeof value === 'object' && value !== null;

test('TOML in pages is what thaw takes', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-pages-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  mkdirSync(join(folder, 'app'));
  let seen = 0;
  for (const page of pages())
    for (const { info, text } of blocksOf(textOf(page)).filter((block) => /^toml\b/.test(block.info))) {
      seen++;
      const file = join(folder, 'page.toml');
      const read = parse(text) as Readonly<Record<string, unknown>>;
      const isMatrix = 'models' in read;
      // What a part of a profile leaves out.
      const more = [
        ...('name' in read ? [] : ['name = "page"']),
        ...('program' in read ? [] : ['program = "/bin/true"']),
      ];
      const until = isTable(read['warmup']) && 'until' in read['warmup'];
      const warmup = until ? [] : ['[warmup]', 'until = { delay = "1s" }'];
      const whole = isMatrix ? [text] : [...more, text, ...warmup];
      writeFileSync(file, whole.join('\n'));
      t.notThrows(
        () => (isMatrix ? readMatrix(file) : readDefinition(file, true)),
        `${page}: ${info}\n${text}`,
      );
    }
  t.true(seen > 15, `${seen} blocks`);
});

/** What stands in pages and in what the project ships. */
const SHIPPED: readonly (readonly [string, RegExp, string, (name: string) => string])[] = [
  [
    'yocto',
    /^THAW_\w+(?= = )/gm,
    'packaging/yocto/meta-thaw/classes/thaw-profile.bbclass',
    (name) => `${name} ?= `,
  ],
  [
    'buildroot',
    /\bBR2_PACKAGE_\w+/g,
    'packaging/buildroot/package/thaw-exec/Config.in',
    (name) => `config ${name}\n`,
  ],
  ['chromium', /(?<=^\| `)--[\w-]+/gm, 'profiles/chromium/profile.toml', (name) => `"${name}"`],
  ['postgresql', /(?<=^\| `)\w+ = \w+/gm, 'profiles/postgresql/postgresql.conf', (setting) => setting],
  [
    'postgresql',
    /^until = .*$/gm,
    'profiles/postgresql/shop.toml',
    (line) => line.replace('until', 'until  '),
  ],
];

for (const [guide, names, file, asShipped] of SHIPPED)
  test(`${guide}.md names what ${file} has`, (t) => {
    const found = textOf(`docs/how-to/${guide}.md`).match(names) ?? [];
    t.true(found.length > 0);
    for (const name of found) t.true(textOf(file).includes(asShipped(name)), name);
  });

test('yocto.md names a class, a layer and a package that are there', (t) => {
  const page = textOf('docs/how-to/yocto.md');
  for (const [, name = ''] of page.matchAll(/^inherit ([\w-]+)$/gm))
    t.notThrows(() => textOf(`packaging/yocto/meta-thaw/classes/${name}.bbclass`));
  for (const [, path = ''] of page.matchAll(/THE_CLONE\/(\S+)/g))
    t.notThrows(() => textOf(`${path}/conf/layer.conf`));
  t.regex(page, /IMAGE_INSTALL:append = " thaw-exec"/);
  t.regex(textOf('docs/how-to/buildroot.md'), /BR2_EXTERNAL=THE_CLONE\/packaging\/buildroot /);
});

test('packages.md names files as they are called', (t) => {
  const { version } = JSON.parse(textOf('package.json')) as { version: string };
  const page = textOf('docs/how-to/packages.md');
  t.true(page.includes(`./thaw-${version}.tgz `));
  const architectures = [...page.matchAll(/_\*_(\w+)\.deb/g)].map(([, name = '']) => name);
  t.deepEqual([...new Set(architectures)].sort(), ['amd64', 'arm64']);
});
