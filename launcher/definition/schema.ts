// What a profile can say: each key with what it accepts, its default and its meaning. Made from this: the checks of a definition,
// its type, docs/reference/profile-keys.md and the schema for editors (scripts/reference/).
import * as v from 'valibot';

import { type AdapterChoice, adapterNames, adapterOf } from '../adapters/index.js';
import { type Trigger, holds, takesArguments, triggerKinds } from '../warmup/triggers/index.js';
import { policies } from './policies.js';
import { rule } from './rule.js';
import { accepts, duration, durationUpTo, integer, isTable, oneOf, table, text, texts } from './values.js';

const name = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9._-]*$/),
  accepts('lower-case letters, digits, ".", "_" and "-", the first a letter or digit'),
  v.description('its name in the store'),
);

const program = v.pipe(
  v.string(),
  v.nonEmpty(),
  accepts('a path, or a name to be looked up in PATH'),
  v.description('absolute, with a slash (relative to the TOML file), or looked up in `PATH` at build time'),
);

/** Names that valibot leaves out of records without a word. */
const LEFT_OUT = ['__proto__', 'constructor', 'prototype'];

const env = v.pipe(
  v.custom<Record<string, unknown>>(isTable),
  rule((variables) => {
    const name = LEFT_OUT.find((one) => Object.hasOwn(variables, one));
    if (name === undefined) return undefined;
    return { path: [name], what: 'cannot be set', remedy: 'accepted: other names' };
  }),
  v.record(v.pipe(v.string(), v.regex(/^[^=]+$/)), v.string()),
  accepts('a table of strings, whose names are without "="'),
  v.description(
    'added to the environment of the warm-up: a minimal one, or that of `thaw build --like-unit` or `--like-env`',
  ),
);

/** One key for each trigger, of which one is set. */
const untilKeys = Object.fromEntries(
  Object.entries(triggerKinds).map(([kind, { value }]) => [kind, v.exactOptional(value)]),
);

const until = v.pipe(
  table(untilKeys),
  v.minEntries(1, 'names no trigger'),
  v.maxEntries(1, ({ input }) => `names two triggers, ${Object.keys(input).slice(0, 2).join(' and ')}`),
  v.transform((set) => {
    const [[kind, value] = []] = Object.entries(set);
    return { kind, value } as Trigger;
  }),
  accepts(`one of ${Object.keys(triggerKinds).join(', ')}`),
  v.description('when the app is warm: one of the triggers is set'),
);

const warmup = v.pipe(
  table({
    until,
    run: withDefault(
      [],
      texts,
      'shell commands that exercise the app after that, in order; each must succeed',
    ),
    stdin: withDefault(
      'null',
      oneOf(['null', 'open', 'terminal']),
      '`"null"`: standard input is at its end (/dev/null); `"open"`: a pipe to which nobody writes, for programs that ' +
        'read it and would end, such as filters and shells; `"terminal"`: standard input, output and errors are a terminal ' +
        'of 101 columns and 37 rows at which nobody types, for editors and interactive shells. A launch has those of its caller',
    ),
    settle: withDefault('200ms', duration, 'how long to leave the app alone before the checkpoint'),
    timeout: withDefault('60s', duration, 'when to give up'),
  }),
  v.transform(({ settle, timeout, ...rest }) => ({ ...rest, settleMs: settle, timeoutMs: timeout })),
  accepts('[warmup] with until = { port = 8080 }, or another trigger'),
  v.description('how the app gets warm'),
);

const train = v.pipe(
  table({
    run: withDefault(
      [],
      texts,
      'shell commands that a launch has to answer first; what the app touches until then is its working set. ' +
        'Name the one request that users wait for',
    ),
  }),
  v.description('what a launch is for; without this table, `run` is that of `[warmup]`'),
);

const prove = v.pipe(
  table({
    run: v.exactOptional(
      v.pipe(
        texts,
        v.description(
          'shell commands that a launched app has to answer as one that was started cold does: the build fails when the ' +
            'output differs. Default: those of `[warmup]`, of which only the exit codes must be the same, and a differing ' +
            'output is a warning',
        ),
      ),
    ),
    differs: v.exactOptional(
      v.pipe(
        text,
        v.description(
          'a shell command whose output two launches must not have in common: something that the app draws at random',
        ),
      ),
    ),
  }),
  v.description('how the trial launch is compared with a cold start'),
);

const guard = v.pipe(
  v.union([
    v.literal(false),
    v.pipe(
      table({
        // It counts from before the restore, which may take its time on slow storage.
        within: v.optional(durationUpTo('60m', '1s'), '5s'),
        tries: v.optional(integer(1, 100), 3),
      }),
      v.transform(({ within, tries }) => ({ withinMs: within, tries })),
    ),
  ]),
  accepts('{ within = "5s", tries = 3 } with a time of "1s" to "60m" and a number of up to 100, or false'),
);

const launch = v.pipe(
  table({
    args: withDefault(
      'exact',
      oneOf(['exact', 'deliver']),
      '`"exact"`: other arguments than `args` mean a cold start; `"deliver"`: the app asks for them with ' +
        '`thaw_argument()` and `thaw_variable()` of `native/include/thaw.h` after its `thaw_checkpoint()`, or its ' +
        'adapter puts them where its runtime has them',
    ),
    cwd: withDefault(
      'exact',
      oneOf(['exact', 'any']),
      '`"exact"`: another folder of the caller than `cwd` means a cold start; `"any"`: the app does not depend on the folder ' +
        "that it is started in, and gets the caller's",
    ),
    env: withDefault(
      'exact',
      oneOf(['exact', 'deliver', 'image']),
      'which environment the app has. `"exact"`: the caller\'s; another value of a variable that the app looked up in the ' +
        'warm-up means a cold start. `"deliver"`: the caller\'s, whatever was looked up. `"image"`: that of the warm-up; only ' +
        'another value for what `env` declares means a cold start',
    ),
    ignore_env: withDefault(
      [],
      texts,
      'names of variables whose value does not matter, though the app looks them up; `*` at the end stands for any ending. ' +
        "The app gets the caller's",
    ),
    inherit: withDefault(
      [],
      v.pipe(
        v.array(v.pipe(v.number(), v.integer(), v.minValue(3))),
        accepts('a list of descriptors, 3 and above; 0, 1 and 2 are always inherited'),
      ),
      'descriptors that the app takes from its caller',
    ),
    keep_pid: withDefault(
      false,
      v.pipe(v.boolean(), accepts('true or false')),
      'each launch has the pid that the app had when the image was made; needs CAP_CHECKPOINT_RESTORE, else it is a ' +
        'cold start, and one instance at a time',
    ),
    pids: withDefault(
      'corrected',
      oneOf(['corrected', 'namespace', 'user-namespace']),
      'which pids the processes of a launched app have. `"corrected"`: new ones, and what the app keeps of the old ones is ' +
        'corrected; `"namespace"`: those that they had when the image was made, in a pid namespace of their own, for apps in ' +
        'whose memory they cannot be corrected; needs root (CAP_SYS_ADMIN), else it is a cold start; `"user-namespace"`: the same, and ordinary users have it in a ' +
        'user namespace, where what the app may do differs (docs/pids.md)',
    ),
    guard: withDefault(
      { within: '5s', tries: 3 },
      guard,
      'an image of which `tries` launches in a row have died within the time `within` is set aside until the next build ' +
        '(docs/guard.md); `false`: never',
    ),
  }),
  v.description('what a launch takes from its caller'),
);

const machineProperties = v.pipe(
  v.array(v.picklist(['hostname', 'cpus', 'memory'])),
  accepts('a list of "hostname", "cpus", "memory"'),
);

const inputs = v.pipe(
  table({
    watch: withDefault(
      true,
      v.pipe(v.boolean(), accepts('true or false')),
      'whether the warm-up is watched for the files that the app uses; without, a launch checks no more than the files ' +
        'that it opens itself, and may show what was read from others before they changed',
    ),
    ignore: withDefault(
      [],
      texts,
      'patterns (`fnmatch(3)`) of paths that are no inputs, whatever the app does with them; relative ones start at `cwd`',
    ),
    add: withDefault(
      [],
      texts,
      'patterns (`glob(7)`) of files that are inputs though the warm-up does not use them; relative ones start at `cwd`',
    ),
    root_identity: withDefault(
      '',
      v.pipe(v.string(), v.regex(/^(\/|$)/), accepts('an absolute path')),
      'a file that has another content in each version of the read-only file system (squashfs, erofs, a read-only device) ' +
        'that it lies on, or a folder on which ostree has mounted a deployment: as long as it says the same, nothing on that ' +
        'file system is compared; on another file system, each launch reads the file and compares the inputs as well; `""`: none',
    ),
    ignore_machine: withDefault(
      [],
      machineProperties,
      "what of the machine is no input though the app asks for it: its name, its CPUs and the caller's part of them, its " +
        "memory and the limit of the caller's cgroup",
    ),
  }),
  v.description(
    'the files that the warm state is computed from: a launch after one of them has changed is a cold start',
  ),
);

/** A profile as it is written. The output is complete, but not yet looked up: `program` and paths are as written. */
export const profile = v.pipe(
  table({
    name,
    program,
    args: withDefault([], texts, "the arguments, without the program's name"),
    cwd: withDefault('.', text, "the folder to start in; relative to the TOML file's"),
    user: v.exactOptional(v.pipe(text, v.description('whom to run as; default: the builder'))),
    env: v.optional(env, {}),
    adapter: withDefault(
      'auto',
      oneOf(['auto', 'none', ...adapterNames] satisfies AdapterChoice[]),
      "what puts right in each launch what the app's runtime has cached (docs/adapters.md): that of the runtime, " +
        '`"auto"`: the one that `program` names, or `"none"`',
    ),
    warmup,
    images: withDefault(
      1,
      integer(1, 16),
      'how many images there are, each of a warm-up of its own, so that they differ in addresses and in what is drawn at random; ' +
        'each launch takes one of them by chance',
    ),
    train: v.exactOptional(train),
    prove: v.optional(prove, {}),
    clocks: withDefault(
      'continue',
      oneOf(['continue', 'jump']),
      '`"continue"`: for the app, no time passes between the checkpoint and a launch, so that its timers do not all fire at ' +
        'once; `"jump"`: the time since the checkpoint has passed, for apps that add `CLOCK_MONOTONIC` to a time of day taken ' +
        'at their start. Both need root on a kernel with time namespaces; elsewhere clocks jump to those of the boot',
    ),
    launch: v.optional(launch, {}),
    inputs: v.optional(inputs, {}),
    policies: v.optional(policies, []),
  }),
  rule(({ adapter, launch, program, warmup }) =>
    launch.args !== 'deliver' || takesArguments(warmup.until) || adapterOf(adapter, program) !== undefined
      ? undefined
      : {
          path: ['launch', 'args'],
          what: 'is "deliver", which the app must ask for',
          remedy:
            'set warmup.until = { call = true } and use thaw_argument() of native/include/thaw.h, or set the adapter of ' +
            `its runtime (${adapterNames.join(', ')})`,
        },
  ),
  rule(({ adapter, inputs, launch, warmup: { until } }) => {
    if (!holds(until)) return undefined;
    const where = `warmup.until = { ${until.kind} = ... }`;
    const call = `the app is held at a system call (${where}), where no adapter of its runtime can run`;
    if (adapter !== 'auto' && adapter !== 'none')
      return {
        path: ['adapter'],
        what: `is "${adapter}", but ${call}`,
        remedy: 'leave it out, or use another trigger',
      };
    if (launch.args === 'deliver')
      return {
        path: ['launch', 'args'],
        what: `is "deliver", but ${call}`,
        remedy: 'set launch.args = "exact"',
      };
    return inputs.watch
      ? undefined
      : {
          path: ['inputs', 'watch'],
          what: `is false, but only who watches the app sees the call of ${where}`,
          remedy: 'set inputs.watch = true, or use another trigger',
        };
  }),
  rule(({ inputs: { watch, root_identity } }) =>
    watch || root_identity === ''
      ? undefined
      : {
          path: ['inputs', 'root_identity'],
          what: 'is set, but with inputs.watch = false nothing is compared that it could stand for',
          remedy: 'set inputs.watch = true, or leave inputs.root_identity out',
        },
  ),
  rule(({ launch: { keep_pid, pids } }) =>
    keep_pid && pids !== 'corrected'
      ? {
          path: ['launch', 'keep_pid'],
          what: 'is true, but with launch.pids = "namespace" or "user-namespace" all processes have their pids, in a namespace of their own',
          remedy: 'leave one of the two out',
        }
      : undefined,
  ),
  v.transform((written) => ({ ...written, train: written.train ?? { run: written.warmup.run } })),
  v.title('Profile of an app for thaw'),
);

type ReadOnly<T> = T extends object ? { readonly [K in keyof T]: ReadOnly<T[K]> } : T;

/** A profile's definition, checked and complete: `program` and `cwd` are absolute, times are in milliseconds. */
export type Definition = ReadOnly<v.InferOutput<typeof profile>> & {
  /** The TOML file that it was read from. */
  readonly file: string;
  /** The environment of the place where the app will be launched (`thaw build --like-unit`), instead of the minimal one. */
  readonly likeEnv?: Readonly<Record<string, string>>;
};

function withDefault<const S extends v.GenericSchema>(
  value: v.InferInput<S>,
  schema: S,
  description: string,
): v.OptionalSchema<
  v.SchemaWithPipe<readonly [S, v.DescriptionAction<v.InferOutput<S>, string>]>,
  v.InferInput<S>
> {
  return v.optional(v.pipe(schema, v.description(description)), value);
}
