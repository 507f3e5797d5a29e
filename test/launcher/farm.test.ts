// The jobs of packaging/ci/, as a farm runs them: each in a clean folder with what its cache and the jobs before it have left.
// Debian has no runner of GitLab's or GitHub's; what such a runner does with these two files is done here.
import test, { type ExecutionContext } from 'ava';
import { load } from 'js-yaml';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import * as v from 'valibot';

import { root } from '../engine/support/paths.js';
import { keyPair } from './keys.js';
import { RegistryServer, run, thaw } from './registry_support.js';
import { lacking } from './sealed.js';
import { Workshop } from './support.js';

/** In place of those of the file: models that are built for this machine. */
const CELLS = ['one', 'two'];
const STORES = 'stores/*.erofs';
/** Sealed stores, and of those of this machine what they were sealed from. */
const CACHES = ['stores/.cache', 'stores/.here'] as const;

/** What the farm says to a job. */
type Variables = Readonly<Record<string, string>>;

interface Jobs {
  readonly build: (cell: string) => {
    readonly script: string;
    readonly env: Variables;
    readonly key: string;
  };
  readonly push: string;
  /** Of the commit. */
  readonly tag: string;
}

/** @throws Error where the file has anything that is not done here */
function read<Schema extends v.GenericSchema>(file: string, schema: Schema): v.InferOutput<Schema> {
  return v.parse(schema, load(readFileSync(join(root, 'packaging/ci', file), 'utf8')));
}

const script = v.pipe(
  v.array(v.string()),
  v.transform((lines) => lines.join('\n')),
);

function gitlab(): Jobs {
  const { build, push } = read(
    'gitlab-ci.yml',
    v.strictObject({
      stages: v.strictTuple([v.literal('build'), v.literal('push')]),
      build: v.strictObject({
        stage: v.literal('build'),
        parallel: v.strictObject({ matrix: v.strictTuple([v.strictObject({ CELL: v.array(v.string()) })]) }),
        cache: v.strictObject({
          key: v.literal('$CELL'),
          paths: v.strictTuple([v.literal(CACHES[0]), v.literal(CACHES[1])]),
        }),
        script,
        artifacts: v.strictObject({ paths: v.strictTuple([v.literal(STORES)]) }),
      }),
      push: v.strictObject({ stage: v.literal('push'), script }),
    }),
  );
  return {
    build: (cell) => ({ script: build.script, env: { CELL: cell }, key: cell }),
    push: push.script,
    tag: 'CI_COMMIT_SHORT_SHA',
  };
}

const uses = (action: string, given: v.GenericSchema): v.GenericSchema =>
  v.strictObject({ uses: v.literal(action), with: given });
const step = v.strictObject({ run: v.string() });
const runner = v.strictTuple([v.literal('self-hosted'), v.literal('thaw')]);

function github(): Jobs {
  const { jobs } = read(
    'github.yml',
    v.strictObject({
      name: v.literal('stores'),
      on: v.strictTuple([v.literal('push')]),
      jobs: v.strictObject({
        build: v.strictObject({
          'runs-on': runner,
          strategy: v.strictObject({ matrix: v.strictObject({ cell: v.array(v.string()) }) }),
          steps: v.strictTuple([
            v.strictObject({ uses: v.literal('actions/checkout@v4') }),
            uses(
              'actions/cache@v4',
              v.strictObject({
                path: v.literal(`${CACHES.join('\n')}\n`),
                key: v.literal('stores-${{ matrix.cell }}-${{ github.sha }}'),
                'restore-keys': v.literal('stores-${{ matrix.cell }}-'),
              }),
            ),
            step,
            uses(
              'actions/upload-artifact@v4',
              v.strictObject({ name: v.literal('${{ matrix.cell }}'), path: v.literal(STORES) }),
            ),
          ]),
        }),
        push: v.strictObject({
          needs: v.literal('build'),
          'runs-on': runner,
          steps: v.strictTuple([
            uses(
              'actions/download-artifact@v4',
              v.strictObject({ path: v.literal('stores'), 'merge-multiple': v.literal(true) }),
            ),
            step,
          ]),
        }),
      }),
    }),
  );
  const [, , building] = jobs.build.steps;
  const [, pushing] = jobs.push.steps;
  return {
    build: (cell) => ({ script: building.run.replaceAll('${{ matrix.cell }}', cell), env: {}, key: cell }),
    push: pushing.run,
    tag: 'GITHUB_SHA',
  };
}

/** As archives keep it: owners, modes, times, links. */
function copy(from: string, to: string): void {
  execFileSync('cp', ['-a', from, to]);
}

/** What is kept between jobs. */
class Farm {
  readonly #folder: string;

  constructor(
    readonly t: ExecutionContext,
    /** What a checkout holds. */
    readonly sources: string,
    readonly env: Variables,
  ) {
    this.#folder = mkdtempSync(join(sources, '..', 'thaw-farm-'));
  }

  #kept(name: string): string {
    return join(this.#folder, name);
  }

  /** In a folder of its own; leaves what it said. */
  async #run(folder: string, text: string, env: Variables): Promise<string> {
    const ended = await run(['bash', '-e', '-o', 'pipefail', '-c', text], {
      cwd: folder,
      env: { ...process.env, ...this.env, ...env },
      timeout: 600_000,
    });
    this.t.is(ended.status, 0, ended.stderr);
    return ended.stdout;
  }

  #clean(): string {
    return mkdtempSync(join(this.#folder, 'job-'));
  }

  /** In a checkout, with the cache of `key`. */
  async build(text: string, env: Variables, key: string): Promise<string> {
    const folder = this.#clean();
    cpSync(this.sources, folder, { recursive: true });
    mkdirSync(join(folder, 'stores'), { mode: 0o700 });
    const cache = this.#kept(`cache-${key}`);
    if (existsSync(cache)) copy(`${cache}/.`, folder);
    const said = await this.#run(folder, text, env);
    for (const path of CACHES) {
      rmSync(join(cache, path), { recursive: true, force: true });
      mkdirSync(dirname(join(cache, path)), { recursive: true, mode: 0o700 });
      copy(join(folder, path), join(cache, path));
    }
    mkdirSync(this.#kept('artifacts'), { recursive: true });
    for (const name of readdirSync(join(folder, 'stores')).filter((each) => each.endsWith('.erofs')))
      cpSync(join(folder, 'stores', name), join(this.#kept('artifacts'), name));
    return said;
  }

  /** With all that was built. */
  async push(text: string, env: Variables): Promise<string> {
    const folder = this.#clean();
    cpSync(this.#kept('artifacts'), join(folder, 'stores'), { recursive: true });
    return this.#run(folder, text, env);
  }
}

const PROFILE = `name = "nap"
program = "/usr/bin/sleep"
args = ["3600"]
cwd = "/"
[warmup]
until = { syscall = { name = "clock_nanosleep" } }
[prove]
run = []
`;

const noRegistry = spawnSync('docker-registry', ['--version']).error !== undefined;
const asRoot = lacking() === undefined && !noRegistry ? test.serial : test.serial.skip;

for (const [name, jobs] of [
  ['GitLab', gitlab],
  ['GitHub', github],
] as const)
  asRoot(`jobs for ${name}: stores are built, kept, and pushed under one name`, async (t) => {
    t.timeout(1_200_000);
    const { build, push, tag } = jobs();
    const workshop = new Workshop(t);
    const keys = keyPair(workshop, 'farm');
    const sources = join(workshop.folder, 'sources');
    mkdirSync(sources);
    workshop.write('sources/nap.toml', PROFILE);
    const models = CELLS.map((cell) => `[[models]]\nname = "${cell}"\n`).join('');
    workshop.write('sources/fleet.toml', `profiles = ["nap.toml"]\n${models}`);
    const registry = await new RegistryServer(t).start();
    const env = { THAW_CLONE: root, SIGNING_KEY: keys.secret, REGISTRY: registry.host };
    const farm = new Farm(t, sources, env);
    const all = async (): Promise<readonly string[]> => {
      const said: string[] = [];
      for (const cell of CELLS) {
        const job = build(cell);
        said.push(await farm.build(job.script, job.env, job.key));
      }
      return said;
    };
    for (const [at, said] of (await all()).entries()) t.regex(said, new RegExp(`^${CELLS[at]} +built `, 'm'));
    for (const [at, said] of (await all()).entries()) t.regex(said, new RegExp(`^${CELLS[at]} +kept `, 'm'));
    await farm.push(push, { [tag]: 'c0ffee' });

    for (const cell of CELLS) {
      const output = join(workshop.folder, `${cell}.erofs`);
      const ref = `${registry.host}/apps:c0ffee`;
      const pulled = await thaw(
        workshop.folder,
        {},
        'pull',
        '--model',
        cell,
        '--key',
        keys.open,
        '-o',
        output,
        ref,
      );
      t.is(pulled.status, 0, pulled.stderr);
      t.true(statSync(output).size > 4096);
    }
  });
