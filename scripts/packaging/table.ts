// The table of Debian packages: what each is, and what it holds.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { projectFolder } from '../../launcher/engine/index.js';
import { ThawError } from '../../launcher/errors.js';
import { isLicence, linkedCopyright, npmCopyright, npmPackages, ownCopyright } from './copyright.js';
import type { Release } from './release.js';
import type { Stage } from './stage.js';
import { type DebianPackage, type Target, inThaw, inThawExec, neededBy, toolOf } from './target.js';

/** What packages are made of. */
export interface Material {
  readonly release: Release;
  readonly target: Target;
  /** The npm package, unpacked. */
  readonly npm: string;
}

export interface Package {
  readonly name: string;
  readonly section: string;
  /** The same for all CPUs: made once. */
  readonly everywhere?: true;
  readonly multiArch?: 'foreign';
  readonly summary: string;
  readonly description: string;
  /** Fills the folder; answers what the package depends on. */
  readonly fill: (stage: Stage, material: Material) => readonly string[];
  readonly copyright: (stage: Stage) => string;
  /** Debian's packages that are linked into it. */
  readonly linked?: (target: Target) => readonly DebianPackage[];
  /** What it can do more with. */
  readonly recommends?: (target: Target) => readonly string[];
  /** With npm's packages in it. */
  readonly npm?: true;
}

/** Where thaw lies, laid out as in the clone: launcher/engine/addon.ts finds everything from there. */
const THAW = 'usr/lib/thaw';

/** What Debian 12 has. The npm packages ask for 20; test/packages/ runs thaw under this one. */
const NODE = 'nodejs (>= 18.19)';

function built(target: Target, name: string): string {
  const path = join(projectFolder, 'build', target.cpu, name);
  if (existsSync(path)) return path;
  throw new ThawError(`build/${target.cpu}/${name} is not built`, {
    remedy: `sh scripts/build-native.sh ${target.cpu}`,
  });
}

const read = (path: string): string => readFileSync(join(projectFolder, path), 'utf8');

function manual(stage: Stage, name: string): void {
  stage.compressed(`usr/share/man/man${name.at(-1) ?? '1'}/${name}.gz`, read(`docs/man/${name}`));
}

function thawExec(stage: Stage, { target }: Material): readonly string[] {
  stage.copy(built(target, 'thaw-exec'), 'usr/bin/thaw-exec');
  stage.copy(
    join(projectFolder, 'packaging/debian/thaw-exec.lintian-overrides'),
    'usr/share/lintian/overrides/thaw-exec',
  );
  manual(stage, 'thaw-exec.1');
  return [];
}

/** Of an npm package, what thaw does not run. */
const NEEDLESS =
  /^(tests?|docs|benchmarks|examples|types|typings|bin|bin\.js|\.\w.*|.*\.(md|markdown|html|sh|map|tsd|[cm]?ts|yml))$/i;

function removeNeedless(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (NEEDLESS.test(entry.name) || (entry.isFile() && isLicence(entry.name)))
      rmSync(path, { recursive: true });
    else if (entry.isDirectory()) removeNeedless(path);
  }
}

function thaw(stage: Stage, { npm, target, release }: Material): readonly string[] {
  built(target, 'thaw.node');
  for (const part of ['package.json', 'dist', 'native/adapters', 'node_modules', join('build', target.cpu)])
    if (existsSync(join(npm, part))) stage.copy(join(npm, part), join(THAW, part));
  removeNeedless(stage.path(join(THAW, 'node_modules')));
  const folder = join(THAW, 'build', target.cpu);
  rmSync(stage.path(join(folder, 'thaw-exec')));
  stage.link(join(folder, 'thaw-exec'), '../../../../bin/thaw-exec');
  const libraries = stage.files(folder).filter((path) => /\.(node|so)$/.test(path));
  const files = libraries.map((path) => stage.path(path));
  for (const file of files)
    execFileSync(toolOf(target, 'strip'), ['--strip-unneeded', '-R', '.comment', '-R', '.note', file]);
  stage.copy(
    join(projectFolder, 'packaging/debian/thaw.lintian-overrides'),
    'usr/share/lintian/overrides/thaw',
  );
  stage.link('usr/bin/thaw', '../lib/thaw/dist/launcher/cli.js');
  stage.copy(join(projectFolder, 'completions/thaw.bash'), 'usr/share/bash-completion/completions/thaw');
  stage.copy(join(projectFolder, 'completions/_thaw'), 'usr/share/zsh/vendor-completions/_thaw');
  stage.copy(join(projectFolder, 'completions/thaw.fish'), 'usr/share/fish/vendor_completions.d/thaw.fish');
  for (const unit of ['thawd.service', 'thaw-rebuild@.service'])
    stage.copy(join(projectFolder, 'packaging/systemd', unit), join('usr/lib/systemd/system', unit));
  manual(stage, 'thaw.1');
  manual(stage, 'thaw.toml.5');
  return [NODE, `thaw-exec (= ${release.debian})`, ...neededBy(target, files)];
}

function headers(stage: Stage, { release }: Material): readonly string[] {
  stage.copy(join(projectFolder, 'native/include/thaw.h'), 'usr/include/thaw.h');
  stage.write(
    'usr/share/pkgconfig/thaw.pc',
    read('packaging/thaw.pc.in').replace('@VERSION@', release.version),
  );
  return [];
}

export const PACKAGES: readonly Package[] = [
  {
    name: 'thaw-exec',
    section: 'utils',
    multiArch: 'foreign',
    summary: 'exec that skips the warm-up of a program',
    description:
      'thaw-exec stands where exec stood: it becomes the program, warm from an image that was made of it when it was warmed ' +
      'up, or else by a cold start. One static program, and all that a device needs.',
    fill: thawExec,
    copyright: () => `${ownCopyright()}\n${linkedCopyright()}`,
    linked: inThawExec,
  },
  {
    name: 'thaw',
    section: 'utils',
    summary: 'make and manage images of warmed-up programs',
    description:
      'thaw starts a program, warms it up and makes an image of it. From then on, whoever would have started the program ' +
      'starts thaw-exec instead, and that process becomes the program, already warm. This package makes, proves, signs and ' +
      'packs images, writes drop-ins for systemd services, and keeps images fresh with a daemon, which nothing starts by itself.',
    fill: thaw,
    // Reads the code of static programs (native/arch/x86_64/code).
    recommends: ({ cpu }) => (cpu === 'x86_64' ? ['libzydis4.0'] : []),
    copyright: (stage) => `${ownCopyright()}\n${npmCopyright(stage.path(THAW), THAW)}`,
    linked: inThaw,
    npm: true,
  },
  {
    name: 'libthaw-dev',
    section: 'libdevel',
    everywhere: true,
    multiArch: 'foreign',
    summary: 'header for programs that know when they are warm',
    description:
      'The App API of thaw: a program calls thaw_checkpoint() when it is warm, and learns there that it was launched. A header ' +
      'only; there is nothing to link and nothing to load.',
    fill: headers,
    copyright: () => ownCopyright(),
  },
];

/** Names of npm's packages that a stage holds. */
export const npmNames = (folder: string): ReadonlySet<string> =>
  new Set(
    npmPackages(folder).map(
      (each) => (JSON.parse(readFileSync(join(each, 'package.json'), 'utf8')) as { name: string }).name,
    ),
  );
