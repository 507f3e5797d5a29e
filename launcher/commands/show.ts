// thaw show: what an image holds.
import { command, print, printJson } from '../command.js';
import {
  type Image,
  type ImageInput,
  type ImageMapping,
  type ImageProcess,
  native,
} from '../engine/index.js';
import { flag, json, store } from '../options.js';
import { shellWord } from '../shell.js';
import { guardProblems } from '../store/guard.js';
import { imagePath } from '../store/image.js';
import { filterLines } from '../store/calls.js';
import { needs } from '../store/needs.js';
import { noticesOf } from '../store/pids.js';
import { Stores } from '../store/stores.js';
import { pairs, table } from '../columns.js';
import { size } from '../units.js';

export default command({
  about:
    'Shows what the image of a profile, or an image file, holds: identity and requirements, sizes, threads, descriptors, ' +
    'mappings and timers.',
  options: {
    store,
    json,
    workingSet: flag(
      '--working-set',
      'the pages that a launch is fed with, in the order in which the training launch first used them',
    ),
  },
  operands: ['<NAME|FILE>'],
  run(options, [operand]) {
    const stores = new Stores(options.store);
    const path = imagePath(stores.of(operand), operand);
    const image = native.show(path);
    if (options.json) printJson(image);
    else print(options.workingSet ? workingSet(image) : guardText(path, stores) + text(image));
    return 0;
  },
});

function guardText(path: string, stores: Stores): string {
  return guardProblems(path, stores.list)
    .map(({ what, remedy }) => `${what}\n  ${remedy}\n\n`)
    .join('');
}

function guard({ guardTries: tries, guardWithinMs: ms }: Image['requirements']): string {
  return tries === 0 ? 'none' : `set aside after ${tries} deaths within ${ms / 1000} s of a launch`;
}

/** What a launch makes of the pids of the image's processes. */
function pids({ processes: [root] }: Image): string {
  if (root?.userNamespace === true)
    return 'kept, in a pid namespace that each launch makes, for ordinary users in a user namespace';
  if (root?.pidNamespace === true) return 'kept, in a pid namespace that each launch makes';
  return root?.keepsPid === true ? 'kept' : 'new, and corrected in memory';
}

/** Runs of pages, each with the mapping that it lies in. */
function workingSet({ header, workingSet: { runs }, processes }: Image): string {
  const mappings = processes.flatMap((process) => process.mappings);
  const mappingAt = (address: bigint): ImageMapping | undefined =>
    mappings.find(({ start, end }) => BigInt(`0x${start}`) <= address && address < BigInt(`0x${end}`));
  return table(
    [
      { title: 'ADDRESS', right: true },
      { title: 'SIZE', right: true },
      { title: 'USE' },
      { title: 'KIND' },
      { title: 'NAME' },
    ],
    runs.map(({ address, pages, written }) => {
      const mapping = mappingAt(BigInt(`0x${address}`));
      const use = written ? 'written' : 'read';
      return [address, size(pages * header.pageSize), use, mapping?.kind ?? '', mapping?.name ?? ''];
    }),
  );
}

function text(image: Image): string {
  const sections = [
    summary(image),
    section('needs', pairs(needs(image))),
    section('environment', pairs(environment(image))),
    section(`inputs (${image.inputs.length + image.requirements.machine.length})`, inputs(image)),
    ...(image.processes.length === 1
      ? []
      : [section(`processes (${image.processes.length})`, tree(image.processes))]),
    ...image.processes
      .filter(({ state }) => state !== 'zombie')
      .flatMap((process) => processSections(process, image)),
    section("for a unit with a filter, beyond the app's own calls (docs/filter.md)", filterLines(image)),
  ];
  return sections.filter((part) => part !== '').join('\n');
}

function section(title: string, body: string): string {
  return `${title}\n${body.replace(/^(?=.)/gm, '  ')}`;
}

function summary(image: Image): string {
  const { header, requirements: made, sizes, workingSet } = image;
  return pairs([
    ['image', header.id],
    ...(header.layouts === 1
      ? []
      : [['images', `${header.layouts}, of which a launch takes one by chance`] satisfies [string, string]]),
    ['profile', made.profile === '' ? '-' : made.profile],
    ['program', made.program],
    ['arguments', made.arguments.slice(1).map(shellWord).join(' ')],
    ['folder', made.folder === '' ? 'any' : made.folder],
    ['made', `${new Date(made.madeAtMs).toISOString()} on Linux ${made.kernel}`],
    ['clocks', made.clocks],
    ['guard', guard(made)],
    ['pids', pids(image)],
    ['format', `version ${header.version}`],
    [
      'size',
      `${size(sizes.onDisk)} on disk (${size(sizes.stored)} in ${sizes.storedPages} pages, ` +
        `${size(sizes.metadata)} of tables, ${sizes.operations} operations)`,
    ],
    [
      'working set',
      workingSet.runs.length === 0
        ? 'none recorded'
        : `${size(workingSet.writtenPages * header.pageSize)} written, ` +
          `${size(workingSet.readPages * header.pageSize)} read, in ${workingSet.runs.length} runs`,
    ],
  ]);
}

/** Names, never values: these may be secrets. */
function environment({ requirements: made }: Image): [string, string][] {
  const names = (list: readonly string[]): string =>
    list.map((entry) => entry.replace(/=.*$/s, '')).join(' ') || '-';
  const inputs = {
    image: 'none: the app keeps the environment of the warm-up',
    deliver: "none: the app gets the caller's environment",
    all: `all but ${names(made.ignoredVariables)}`,
    'looked up': names(made.inputs),
  }[made.environmentRule];
  return [
    ['warm-up', names(made.environment)],
    ['inputs', inputs],
    ['delivered', made.delivers ? 'all of the caller' : 'none'],
    ...(made.ownVariables.length === 0
      ? []
      : [["the app's own", names(made.ownVariables)] satisfies [string, string]]),
  ];
}

const INPUT_RULES =
  'left out: /proc, /sys, /dev; what the app only writes; what it looks up again and again; inputs.ignore\n';

function inputs({ inputs: rows, requirements }: Image): string {
  const machine = requirements.machine.map(({ key, what, value }) => [key, what, value]);
  const unknown = requirements.inputsWatched
    ? ''
    : 'the warm-up was not watched: files may be missing here\n';
  return (
    unknown +
    rootOf(requirements.rootIdentity) +
    INPUT_RULES +
    table(
      [{ title: 'KIND' }, { title: 'PATH' }, { title: 'NOTE' }],
      [...machine, ...rows.map((row) => [row.kind, row.path, noteOf(row, requirements)])],
    )
  );
}

/** What the root identity is on this machine, which need not be the one that it was on. */
function rootOf(name: string): string {
  if (name === '') return '';
  const { kind, whyNot } = native.knownRoot(name);
  return `${name} stands for its file system: ${kind === '' ? `not here, where it ${whyNot}` : kind}\n`;
}

function noteOf({ written, onRoot }: ImageInput, { rootIdentity }: Image['requirements']): string {
  if (onRoot) return `${rootIdentity} stands for it`;
  return written ? 'the app writes it, too' : '';
}

/** Each below its parent. */
function tree(processes: readonly ImageProcess[]): string {
  const depth = (process: ImageProcess | undefined): number =>
    process === undefined || process.parent === null ? 0 : 1 + depth(processes[process.parent]);
  const below = (parent: number | null): ImageProcess[] =>
    processes.flatMap((process, index) => (process.parent === parent ? [process, ...below(index)] : []));
  return table(
    [{ title: 'PID' }, { title: 'NAME' }, { title: 'STATE' }, { title: 'SESSION' }, { title: 'GROUP' }],
    below(null).map((process) => [
      '  '.repeat(depth(process)) + String(process.pid),
      process.name,
      process.state === 'zombie' ? `has ended (${endOf(process)})` : process.state,
      leaderOf(process.session, processes),
      leaderOf(process.group, processes),
    ]),
  );
}

function endOf({ exitStatus }: ImageProcess): string {
  const signal = exitStatus & 0x7f;
  return signal === 0 ? `exit status ${exitStatus >> 8}` : `signal ${signal}`;
}

function leaderOf(index: number | null, processes: readonly ImageProcess[]): string {
  return index === null ? "the caller's" : String(processes[index]?.pid ?? '');
}

function processSections(process: ImageProcess, { header, processes }: Image): string[] {
  const guards = process.guards ? 'guarded' : 'not guarded';
  return [
    section(
      `process ${process.pid} (${process.name})`,
      pairs([
        ['cwd', process.cwdMoved ? `${process.cwd} (the app moved there)` : process.cwd],
        ['memory calls', guards],
        ['signals', `${process.signalActions} handled, ${process.pendingSignals} pending`],
      ]),
    ),
    section(`threads (${process.threads.length})`, threads(process)),
    section(`descriptors (${process.descriptors.length})`, descriptors(process)),
    section(`mappings (${process.mappings.length})`, mappings(process, header.pageSize)),
    process.ids.length === 0 ? '' : section(`thread ids in memory (${process.ids.length})`, ids(process)),
    ...noticesOf(process, processes).map((notice) => `${notice.text}\n  ${notice.remedy}\n`),
    process.modeCopies.length === 0
      ? ''
      : section(`copies of the terminal's mode (${process.modeCopies.length})`, modeCopies(process)),
    process.timers.length === 0 ? '' : section(`timers (${process.timers.length})`, timers(process)),
  ];
}

function threads({ threads: rows }: ImageProcess): string {
  return table(
    [{ title: 'TID', right: true }, { title: 'NAME' }, { title: 'NICE', right: true }],
    rows.map((thread) => [String(thread.tid), thread.name, String(thread.nice)]),
  );
}

function descriptors({ descriptors: rows }: ImageProcess): string {
  return table(
    [{ title: 'FD', right: true }, { title: 'KIND' }, { title: 'POLICY' }, { title: 'WHAT' }],
    rows.map((fd) => [String(fd.number), fd.kind, fd.policy ?? '', fd.note]),
  );
}

function mappings({ mappings: rows }: ImageProcess, pageSize: number): string {
  return table(
    [
      { title: 'ADDRESS', right: true },
      { title: 'SIZE', right: true },
      { title: 'PROT' },
      { title: 'KIND' },
      { title: 'STORED', right: true },
      { title: 'NAME' },
      { title: 'NOTE' },
    ],
    rows.map((m) => [
      m.start,
      size(m.size),
      m.prot,
      m.kind,
      m.storedPages === 0 ? '' : size(m.storedPages * pageSize),
      m.name,
      m.note,
    ]),
  );
}

/** The mapping in which something stands. */
function nameAt({ mappings: places }: ImageProcess, hex: string): string {
  const address = BigInt(`0x${hex}`);
  const place = places.find(
    ({ start, end }) => BigInt(`0x${start}`) <= address && address < BigInt(`0x${end}`),
  );
  return place?.name ?? 'registers';
}

/** Where a launch writes another mode. */
function modeCopies(process: ImageProcess): string {
  return table(
    [{ title: 'ADDRESS', right: true }, { title: 'BECOMES' }, { title: 'NAME' }],
    process.modeCopies.map(({ address, of }) => [
      address,
      of === 'caller'
        ? "the mode of the launch's terminal"
        : 'the mode that the app has set, in that terminal',
      nameAt(process, address),
    ]),
  );
}

function ids(process: ImageProcess): string {
  return table(
    [{ title: 'ADDRESS', right: true }, { title: 'TID', right: true }, { title: 'FORM' }, { title: 'NAME' }],
    process.ids.map(({ address, tid, form }) => [address, String(tid), form, nameAt(process, address)]),
  );
}

function timers({ timers: rows }: ImageProcess): string {
  return table(
    [
      { title: 'ID', right: true },
      { title: 'CLOCK', right: true },
      { title: 'REMAINING ms', right: true },
      { title: 'INTERVAL ms', right: true },
    ],
    rows.map((timer) => [timer.id, timer.clock, timer.remainingMs, timer.intervalMs].map(String)),
  );
}
