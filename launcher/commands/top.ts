// thaw top: running instances of images, and their memory.
import { setTimeout } from 'node:timers/promises';

import { table } from '../columns.js';
import { command, print } from '../command.js';
import { type Instance, type Memory, instances } from '../instances/memory.js';
import { interruptible } from '../interruption.js';
import { count, flag, json, store } from '../options.js';
import { Stores } from '../store/stores.js';
import { size } from '../units.js';

const INTERVAL_S = 2;
/** Cursor to the top left corner; clear from there on (ECMA-48). */
const HOME = '\x1b[H';
const CLEAR = '\x1b[J';

export default command({
  about:
    'Shows the running instances of images, of all profiles or of one, with their memory: what is resident, what of it is ' +
    "the instance's own and goes with it, and what it shares with others (the image's pages above all). PSS is its own and " +
    'its part of what is shared; all of these together are what the instances take. On a terminal it goes on until Ctrl-C; ' +
    'elsewhere, or with --once, it is shown once. Of processes of other users only root sees the memory.',
  options: {
    store,
    json,
    once: flag('--once', 'show it once'),
    interval: count('--interval <S>', `seconds between two looks; default: ${INTERVAL_S}`),
  },
  operands: ['[NAME]'],
  async run({ store: root, json, once, interval = INTERVAL_S }, [name]) {
    const stores = new Stores(root);
    if (name !== undefined) stores.of(name).expect(name);
    if (json) print(`${JSON.stringify(instances(stores, name), undefined, 2)}\n`);
    else if (once || !process.stdout.isTTY) print(text(instances(stores, name)));
    else return watch(stores, name, interval);
    return 0;
  },
});

async function watch(stores: Stores, name: string | undefined, interval: number): Promise<number> {
  const { signal } = interruptible();
  print(HOME + CLEAR);
  while (!signal.aborted) {
    // Line by line, so that nothing flickers.
    print(HOME + text(instances(stores, name)).replaceAll('\n', '\x1b[K\n') + CLEAR);
    await setTimeout(interval * 1000, undefined, { signal }).catch(() => undefined);
  }
  return 0;
}

const right = true;

function text(list: readonly Instance[]): string {
  if (list.length === 0) return 'no instance runs\n';
  const sorted = [...list].sort((a, b) => (b.memory?.own ?? 0) - (a.memory?.own ?? 0));
  const rows = sorted.map(({ pid, profile, old, command, age, memory }) => [
    String(pid),
    profile,
    ageText(age),
    ...memoryCells(memory),
    command + (old ? ' (of an older image)' : ''),
  ]);
  const known = list.flatMap(({ memory }) => (memory === null ? [] : [memory]));
  const total = ['', `${list.length} in all`, '', ...memoryCells(sumOf(known)), ''];
  return table(
    [
      { title: 'PID', right },
      { title: 'PROFILE' },
      { title: 'AGE', right },
      ...['RESIDENT', 'OWN', 'SHARED', 'PSS', 'SWAPPED'].map((title) => ({ title, right })),
      { title: 'COMMAND' },
    ],
    [...rows, total],
  );
}

function memoryCells(memory: Memory | null): string[] {
  if (memory === null) return ['?', '?', '?', '?', '?'];
  const { resident, own, shared, proportional, swapped } = memory;
  return [resident, own, shared, proportional, swapped].map(size);
}

/** What is shared, and so what is resident, counts once for each instance: only PSS adds up. */
function sumOf(list: readonly Memory[]): Memory {
  const sum = (part: (memory: Memory) => number): number => list.reduce((total, one) => total + part(one), 0);
  return {
    resident: sum(({ resident }) => resident),
    own: sum(({ own }) => own),
    shared: sum(({ shared }) => shared),
    proportional: sum(({ proportional }) => proportional),
    swapped: sum(({ swapped }) => swapped),
  };
}

function ageText(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'm'],
    [1, 's'],
  ] as const;
  const [length, unit] = units.find(([least]) => seconds >= least) ?? [1, 's'];
  return `${Math.floor(seconds / length)}${unit}`;
}
