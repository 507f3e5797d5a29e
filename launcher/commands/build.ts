// thaw build: makes and installs the images of profiles.
import { guards, parse, print, printJson } from '../command.js';
import type { Definition } from '../definition/definition.js';
import { readDefinition } from '../definition/read.js';
import { ThawError, UsageError, messageOf } from '../errors.js';
import { Progress } from '../progress.js';
import { errorReport } from '../report.js';
import { Store } from '../store/store.js';
import { duration, size, table } from '../table.js';
import { Build, type Built } from '../warmup/build.js';

export const help = `usage: thaw build [--store DIR] [--json] [--guards-off NAME,...] PROFILE.toml...

For each profile: starts its app, waits until it is warm, exercises it, writes its image, proves the image with
a trial launch, and installs it. When something is wrong the old image stays. The app's output is kept beside the
image, in warmup.log and trial.log.

  --guards-off NAME,...    leave out guards of restored memory (for tests of what they guard against);
                           default: $THAW_GUARDS_OFF
`;

interface Row {
  readonly name: string;
  readonly ms: number;
  readonly built?: Built;
  readonly error?: ThawError;
}

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    store: { type: 'string' },
    json: { type: 'boolean' },
    'guards-off': { type: 'string' },
  });
  if (positionals.length === 0) throw new UsageError('PROFILE.toml is missing');
  const store = new Store(values.store);
  // A mistake in the last definition shall not come to light after minutes of work on the first.
  const definitions = positionals.map((path) => readDefinition(path));
  const guardsOff = guards(values['guards-off']);
  const interruption = interruptible();
  const rows: Row[] = [];
  for (const definition of definitions) {
    rows.push(await buildOne(definition, store, guardsOff, interruption.signal));
    if (interruption.signal.aborted) return 128 + SIGNALS[interruption.by()];
  }
  if (values.json === true) printJson(rows.map(json));
  else print(rows.length === 1 ? line(rows[0]) : summary(rows));
  return rows.some(({ error }) => error !== undefined) ? 1 : 0;
}

/** Signals end the build, and with it all processes that it started; a second one ends this process. */
function interruptible(): { signal: AbortSignal; by: () => keyof typeof SIGNALS } {
  const controller = new AbortController();
  let by: keyof typeof SIGNALS = 'SIGINT';
  for (const name of Object.keys(SIGNALS) as (keyof typeof SIGNALS)[])
    process.once(name, () => {
      by = name;
      controller.abort(new ThawError(`interrupted by ${name}`));
    });
  return { signal: controller.signal, by: () => by };
}

async function buildOne(
  definition: Definition,
  store: Store,
  guardsOff: readonly string[],
  interrupt: AbortSignal,
): Promise<Row> {
  const { name } = definition;
  const begin = performance.now();
  try {
    const built = await new Build(definition, store, new Progress(name), interrupt, guardsOff).run();
    return { name, ms: performance.now() - begin, built };
  } catch (error) {
    const told = error instanceof ThawError ? error : new ThawError(messageOf(error), { cause: error });
    process.stderr.write(errorReport(told));
    return { name, ms: performance.now() - begin, error: told };
  }
}

function json({ name, ms, built, error }: Row): unknown {
  if (error !== undefined) return { name, ok: false, ms, error: error.message, remedy: error.remedy ?? '' };
  return { ok: true, ms, ...built };
}

function line(row: Row | undefined): string {
  return row?.built === undefined ? '' : `${row.built.image}\n`;
}

function summary(rows: readonly Row[]): string {
  const right = true;
  return table(
    [
      { title: 'NAME' },
      { title: 'RESULT' },
      { title: 'TIME', right },
      { title: 'ON DISK', right },
      { title: 'THREADS', right },
      { title: 'MAPPINGS', right },
      { title: 'DESCRIPTORS', right },
    ],
    rows.map(({ name, ms, built }) =>
      built === undefined
        ? [name, 'failed', duration(ms)]
        : [
            name,
            'built',
            duration(ms),
            size(built.onDisk),
            ...[built.report.threads, built.report.mappings, built.report.descriptors].map(String),
          ],
    ),
  );
}
