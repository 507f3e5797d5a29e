// What the documentation says about the repository is so: links, anchors, paths, npm scripts and commands exist.
import test from 'ava';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { type Page, readPage } from './page.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const built = new Set(['build', 'dist', 'node_modules']);
const folders = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !built.has(entry.name))
  .map(({ name }) => name);
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)));

function pageAt(file: string): Page {
  return readPage(readFileSync(join(root, file), 'utf8'), folders);
}

/** Everything on a page that is not so. */
function faults(file: string, page: Page): string[] {
  return [
    ...page.links.flatMap(({ path, anchor }) => brokenLink(file, path, anchor)),
    ...page.paths.filter((path) => !existsSync(join(root, path))).map((path) => `path ${path}`),
    ...page.scripts.filter((name) => scripts[name] === undefined).map((name) => `npm run ${name}`),
    ...page.commands
      .filter((name) => !existsSync(join(root, 'launcher/commands', `${name}.ts`)))
      .map((name) => `thaw ${name}`),
  ];
}

function brokenLink(file: string, path: string, anchor: string | undefined): string[] {
  const target = path === '' ? file : relative(root, join(root, dirname(file), path));
  if (!existsSync(join(root, target))) return [`link ${path}`];
  if (anchor === undefined || !target.endsWith('.md')) return [];
  return pageAt(target).headings.has(anchor) ? [] : [`link ${path}#${anchor}`];
}

test('there are pages', (t) => {
  t.true(files.includes('README.md') && files.includes('docs/README.md'), files.join(', '));
});

for (const file of files)
  test(`${file} says what is so`, (t) => {
    t.deepEqual(faults(file, pageAt(file)), []);
  });

test('every page in docs/ is reached from docs/README.md', (t) => {
  const reached = new Set(['docs/README.md']);
  for (const file of reached)
    for (const { path } of pageAt(file).links) {
      const target = join(dirname(file), path);
      if (target.startsWith('docs/') && target.endsWith('.md') && existsSync(join(root, target)))
        reached.add(target);
    }
  t.deepEqual(
    files.filter((file) => file.startsWith('docs/') && !reached.has(file)),
    [],
  );
});

test('what is not so is found', (t) => {
  const page = readPage(
    [
      '# A page',
      'A [good link](README.md#two-commands) and a [bad one](docs/none.md), [none](README.md#no-such-heading).',
      'The paths `native/image/format.h` and `native/none.cc`, `npm run lint` and `npm run none`, `thaw build` and `thaw none`.',
      '```',
      'sh scripts/none.sh',
      '```',
    ].join('\n'),
    folders,
  );
  t.deepEqual(faults('PAGE.md', page), [
    'link docs/none.md',
    'link README.md#no-such-heading',
    'path native/none.cc',
    'path scripts/none.sh',
    'npm run none',
    'thaw none',
  ]);
});

test('each attribute of a process has its test, and each state in brackets is one that an app holds', (t) => {
  const page = readFileSync(join(root, 'docs/process-state.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && !/^\| (attribute|---)/.test(line));
  t.true(rows.length > 40, `${rows.length} rows`);
  for (const row of rows) {
    const cell = row.split(' | ').at(-1) ?? '';
    const places = [...cell.matchAll(/`(test\/[^`]+)`(?: \(([^)]*)\))?/g)];
    t.not(places.length, 0, row);
    for (const [, path = '', states = ''] of places) {
      const text = readFileSync(join(root, path), 'utf8');
      for (const state of states.split(', ').filter((name) => name !== ''))
        t.true(text.includes(`{"${state}",`), `${path} holds no ${state}`);
    }
  }
});
