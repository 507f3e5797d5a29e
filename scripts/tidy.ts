// `npm run tidy`: clang-tidy over the native code for every CPU, with the rules of .clang-tidy. A file that was found clean is
// not looked at again until it, a header of the project that it includes, the rules or clang-tidy itself are others: build/tidy
// remembers the hashes.
//
// `npm test` looks only at what has changed (--changed) since this branch left the main one or, on the main branch
// itself, since the commit before. It looks no longer than --seconds, and says how many files it has left out.
import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

import { command } from '../launcher/command.js';
import { GUEST_CPUS, hostCpu } from '../launcher/cpus.js';
import { projectFolder } from '../launcher/engine/index.js';
import { main } from '../launcher/main.js';
import { count, flag } from '../launcher/options.js';

const SOURCES = [
  'native/*.cc',
  'native/*.c',
  'bench/*.c',
  'cross/*.c',
  'cross/*.cc',
  'test/image_check/*.cc',
  ':!bench/windows/*.c', // Includes what few machines have.
];
const ADDON = ['node_modules/node-api-headers/include', 'node_modules/node-addon-api'];
/** Of the JDK that the adapter for Java is built with (native/adapters/java/adapter.cmake), or of another. */
const JAVA = [process.env['JAVA_HOME'] ?? '', ...javaHomes()]
  .map((home) => join(home, 'include'))
  .find((folder) => existsSync(join(folder, 'jvmti.h')));
const clean = join(projectFolder, 'build', 'tidy');

function javaHomes(): string[] {
  const folder = '/usr/lib/jvm';
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

const read = (file: string): string => readFileSync(join(projectFolder, file), 'utf8');
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** @returns what git prints; nothing where it fails, as outside of a repository */
async function git(...args: string[]): Promise<string[]> {
  const { stdout, failed } = await execa('git', args, { cwd: projectFolder, reject: false });
  return failed ? [] : lines(stdout);
}

/** Triplets of the CPUs' compilers, from cross/cpus. */
const triplets = new Map(
  readdirSync(join(projectFolder, 'cross/cpus')).map((cpu) => [
    cpu,
    /^triplet=(.+)$/m.exec(read(`cross/cpus/${cpu}`))?.[1] ?? cpu,
  ]),
);

/** Of this machine's CPU, or of one that there is a cross compiler for, whose headers it takes; Java's where there is a JDK. */
function canBeRead(file: string): boolean {
  if (file.startsWith('native/adapters/java/')) return JAVA !== undefined;
  const cpu = /^native\/arch\/([^/]+)\//.exec(file)?.[1];
  return cpu === undefined || cpu === hostCpu || GUEST_CPUS.some((guest) => guest === cpu);
}

/** Compiler options: enough for clang to understand the file, whatever is built at the moment. */
function optionsOf(file: string): string[] {
  if (file.endsWith('.c')) return ['-std=gnu11', '-D_GNU_SOURCE', '-Inative/include'];
  const cpu =
    /^native\/arch\/([^/]+)\//.exec(file)?.[1] ?? (file.startsWith('cross/') ? GUEST_CPUS[0] : undefined);
  return [
    ...[
      '-std=c++20',
      '-D_GNU_SOURCE',
      '-DTHAW_VERSION="0"',
      '-DNAPI_VERSION=8',
      '-Wall',
      '-Wextra',
      '-Inative',
      // glibc's sys/platform/x86.h says _Bool, which GCC takes in C++, too.
      '-D_Bool=bool',
    ],
    ...ADDON.map((folder) => `-isystem${folder}`),
    ...(JAVA === undefined ? [] : [`-isystem${JAVA}`, `-isystem${join(JAVA, 'linux')}`]),
    ...(cpu === undefined ? [] : [`--target=${triplets.get(cpu) ?? cpu}`]),
    ...(/^native\/(restorer|shim\/blob)\//.test(file) ? ['-ffreestanding'] : []),
  ];
}

/** A source and the project's headers that it includes, also through others. */
function closure(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, name = ''] of read(file).matchAll(/^#include "(.+)"/gm)) {
    const path = [join('native', name), join(dirname(file), name)].find((each) =>
      existsSync(join(projectFolder, each)),
    );
    if (path !== undefined) closure(path, found);
  }
  return found;
}

/** For a changed header, one source that includes it is enough: clang-tidy reports what it finds in headers, too. */
function sourcesOf(changed: readonly string[], sources: readonly string[]): string[] {
  const including = (header: string): string | undefined => {
    const own = header.replace(/\.h$/, '.cc');
    return sources.includes(own) ? own : sources.find((source) => closure(source).has(header));
  };
  const chosen = new Set(changed.map((file) => (file.endsWith('.h') ? including(file) : file)));
  return sources.filter((source) => chosen.has(source));
}

async function changedFiles(): Promise<string[]> {
  const [head] = await git('rev-parse', 'HEAD');
  let [base] = await git('rev-parse', '--verify', '--quiet', 'HEAD~1');
  for (const branch of ['origin/main', 'main']) {
    const [left] = await git('merge-base', 'HEAD', branch);
    if (left !== undefined && left !== head) base = left;
  }
  const committed = base === undefined ? [] : await git('diff', '--name-only', base);
  return [
    ...committed,
    ...(await git('diff', '--name-only')),
    ...(await git('ls-files', '--others', '--exclude-standard')),
  ];
}

const tidy = command({
  about:
    'Runs clang-tidy over the native code for every CPU. Files that were found clean before are left out.',
  options: {
    changed: flag('--changed', 'only what this branch has changed'),
    seconds: count('--seconds <N>', 'begin with no further file after that time'),
  },
  operands: [],
  async run({ changed, seconds = Infinity }) {
    return (await check(changed, performance.now() + 1000 * seconds)) ? 0 : 1;
  },
});

/** Looks at the files, and begins with none after `end` (as performance.now() tells). @returns whether all are clean */
async function check(onlyChanged: boolean, end: number): Promise<boolean> {
  const { stdout: version } = await execa('clang-tidy', ['--version']);
  const listed = await git('ls-files', '--cached', '--others', '--exclude-standard', ...SOURCES);
  const sources = listed.filter((file) => existsSync(join(projectFolder, file)) && canBeRead(file));
  const wanted = onlyChanged ? sourcesOf(await changedFiles(), sources) : sources;
  const stampOf = (file: string): string => {
    const hash = createHash('sha256')
      .update(version)
      .update(read('.clang-tidy'))
      .update(optionsOf(file).join('\n'));
    for (const each of [...closure(file)].sort()) hash.update(each).update(read(each));
    return join(clean, hash.digest('hex').slice(0, 32));
  };
  const queue = wanted.filter((file) => !existsSync(stampOf(file)));
  const [known, toDo] = [wanted.length - queue.length, queue.length];
  let wrong = 0;
  mkdirSync(clean, { recursive: true });
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const stamp = stampOf(file);
      const { all, failed } = await execa('clang-tidy', ['--quiet', file, '--', ...optionsOf(file)], {
        cwd: projectFolder,
        reject: false,
        all: true,
      });
      if (failed) console.error(`${file}:\n${all}`);
      else writeFileSync(stamp, '');
      wrong += failed ? 1 : 0;
      if (performance.now() > end) return;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  const left = queue.length === 0 ? '' : `, ${queue.length} left out for lack of time (npm run tidy)`;
  const what = onlyChanged ? 'changed files' : 'files';
  console.log(
    `[thaw] clang-tidy: ${toDo - queue.length} ${what} checked, ${wrong} with findings, ${known} known as clean${left}`,
  );
  return wrong === 0;
}

const name = 'npm run tidy --';
await main(name, () => tidy.call(name, process.argv.slice(2)));
