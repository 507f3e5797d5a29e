// thaw daemon: keeps images fresh (thawd), and talks to the one that runs.
import * as v from 'valibot';

import { command, print, printJson } from '../command.js';
import { table } from '../columns.js';
import { NAME, socketPath } from '../daemon/interface.js';
import { DEFAULT_LIMITS, LIMITS_TOLD, parseLimit } from '../daemon/limits.js';
import { byChild, byUnit } from '../daemon/rebuild.js';
import { serve } from '../daemon/serve.js';
import { type Status, coldLaunches } from '../daemon/status.js';
import { call } from '../daemon/varlink.js';
import { duration } from '../definition/values.js';
import { UsageError } from '../errors.js';
import { interruptible } from '../interruption.js';
import { type TypedOption, count, flag, json, parsed, repeated, store, text } from '../options.js';
import { Stores } from '../store/stores.js';

export default command({
  about: [
    'Watches the inputs of the images of the stores, and builds those anew that launches find out of date or that are set ' +
      'aside: one at a time, when the device is idle. A build that fails leaves the old image in place, and the next one ' +
      'waits twice as long. Launches never wait for the daemon, and do not need it. It runs until SIGTERM; as a service it ' +
      'is thawd.',
    'With an ACTION, it asks the daemon that runs: status (of all profiles), rebuild NAME... (now, whatever it waits ' +
      'for), pause [SECONDS], resume, metrics (as Prometheus takes them).',
  ].join('\n\n'),
  options: {
    store,
    json,
    socket: text(
      '--socket <FILE>',
      'where it listens (varlink); default: /run/thaw/daemon, of a user $XDG_RUNTIME_DIR/thaw/daemon',
    ),
    metricsFile: text(
      '--metrics-file <FILE>',
      "write metrics there, for the textfile collector of Prometheus' node exporter",
    ),
    metricsSocket: text('--metrics-socket <FILE>', 'answer GET /metrics on this unix socket'),
    limit: repeated('--limit <NAME=NUMBER>', 'when a rebuild has to wait, see below; off: never', parseLimit),
    look: time('--look <TIME>', 'how often all images are looked at, whatever was seen to change', '15m'),
    tick: time(
      '--tick <TIME>',
      'how often it looks at what it waits for, and at which launches there were',
      '10s',
    ),
    settle: time('--settle <TIME>', 'how long inputs must have been left alone after a change', '30s'),
    delay: time('--delay <TIME>', 'a rebuild begins after a random part of this time', '10m'),
    retry: time(
      '--retry <TIME>',
      'how long after a build the next one of the same profile may begin; doubled with each within a day',
      '10m',
    ),
    mostMemory: count('--most-memory <MB>', 'give a build up whose app takes more memory'),
    nice: count('--nice <N>', 'nice value of builds; default: 19'),
    units: flag('--units', 'build in thaw-rebuild@NAME.service instead of in a child process'),
    machine: text(
      '--machine <DIR>',
      'read pressure, load, memory and batteries in proc and sys of this folder',
    ),
  },
  operands: ['[ACTION]', '[NAME...]'],
  notes: `Limits, with their defaults:\n${LIMITS_TOLD}\n`,
  async run({ store, json, socket, ...options }, [action, names]) {
    const path = socket ?? socketPath(process.env);
    if (action !== undefined) return ask(path, action, names, json);
    const stores = new Stores(store);
    const { limit, look, tick, settle, delay, retry, mostMemory, nice = 19, units, machine = '/' } = options;
    const { signal } = interruptible();
    await serve(
      stores,
      {
        machine,
        limits: Object.assign({}, DEFAULT_LIMITS, Object.fromEntries(limit)),
        lookMs: look,
        tickMs: tick,
        settleMs: settle,
        delayMs: delay,
        retryMs: retry,
      },
      units ? byUnit : byChild(stores, mostMemory, nice),
      { socket: path, metricsFile: options.metricsFile, metricsSocket: options.metricsSocket },
      signal,
    );
    return 0;
  },
});

function time(flags: string, description: string, otherwise: string): TypedOption<number> {
  const read = (text: string): number => {
    const { success, output } = v.safeParse(duration, text);
    if (success) return output;
    throw new UsageError(`${flags.split(' ')[0] ?? ''}: not a time: ${text}`, {
      remedy: 'such as 500ms, 30s or 15m',
    });
  };
  const { option, read: given } = parsed(flags, description, read);
  return { option: option.default(read(otherwise), otherwise), read: (value) => given(value) ?? 0 };
}

async function ask(socket: string, action: string, names: readonly string[], json: boolean): Promise<number> {
  const [first] = names;
  const method = (name: string, parameters = {}): ReturnType<typeof call> =>
    call(socket, `${NAME}.${name}`, parameters);
  switch (action) {
    case 'status': {
      const status = (await method('Status')) as unknown as Status;
      if (json) printJson(status);
      else print(statusText(status));
      return 0;
    }
    case 'rebuild':
      if (first === undefined) throw new UsageError('NAME is missing');
      for (const name of names) await method('Rebuild', { name });
      return 0;
    case 'pause':
      await method('Pause', { seconds: first === undefined ? null : seconds(first) });
      return 0;
    case 'resume':
      await method('Resume');
      return 0;
    case 'metrics':
      print(String((await method('Metrics'))['text']));
      return 0;
    default:
      throw new UsageError(`there is no action ${action}`, {
        remedy: 'accepted: status, rebuild NAME..., pause [SECONDS], resume, metrics',
      });
  }
}

function seconds(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number <= 0) throw new UsageError(`not a number of seconds: ${text}`);
  return number;
}

function statusText({ state, pausedUntil, profiles }: Status): string {
  const until = pausedUntil === null ? '' : ` until ${new Date(pausedUntil).toISOString()}`;
  const rows = profiles.map(({ name, madeAt, stale, waits, building, failures, error, counts }) => {
    const said = [
      ...(stale === null ? [] : [stale.what]),
      ...waits.map((wait) => `waits (${wait.name}): ${wait.why}`),
      ...(failures === 0 ? [] : [`${failures} builds have failed: ${error?.split('\n')[0] ?? ''}`]),
    ];
    const image = building ? 'is built' : stale === null ? 'fresh' : 'out of date';
    const made = madeAt === null ? '-' : new Date(madeAt).toISOString().slice(0, 16).replace('T', ' ');
    return [name, made, image, String(counts.warm), String(coldLaunches(counts)), said.join('; ')];
  });
  const right = true;
  const columns = [
    { title: 'NAME' },
    { title: 'MADE (UTC)' },
    { title: 'IMAGE' },
    { title: 'WARM', right },
    { title: 'COLD', right },
    { title: 'WHY' },
  ];
  return `${state}${until}\n${table(columns, rows)}`;
}
