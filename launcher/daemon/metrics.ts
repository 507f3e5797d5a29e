// The status as Prometheus takes it (text format 0.0.4): for the textfile collector of its node exporter, or over HTTP.
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import { dirname } from 'node:path';

import { type Status, coldLaunches } from './status.js';

type Labels = Readonly<Record<string, string>>;

type Sample = readonly [labels: Labels, value: number];

type Profile = Status['profiles'][number];

interface Family {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly samples: (status: Status) => readonly Sample[];
}

/** One sample for each profile; undefined: it has none. */
const each =
  (value: (profile: Profile) => number | undefined): Family['samples'] =>
  ({ profiles }) =>
    profiles.flatMap((profile): Sample[] => {
      const number = value(profile);
      return number === undefined ? [] : [[{ profile: profile.name }, number]];
    });

const FAMILIES: readonly Family[] = [
  {
    name: 'thaw_launches_total',
    type: 'counter',
    help: 'Launches that the daemon has seen, by how they started.',
    samples: ({ profiles }) =>
      profiles.flatMap((profile): Sample[] => [
        [{ profile: profile.name, start: 'warm' }, profile.counts.warm],
        [{ profile: profile.name, start: 'cold' }, coldLaunches(profile.counts)],
      ]),
  },
  {
    name: 'thaw_fallbacks_total',
    type: 'counter',
    help: 'Cold starts of apps that have an image, by the condition that stood in the way; caller: none of the image.',
    samples: ({ profiles }) =>
      profiles.flatMap(({ name, counts }) =>
        Object.entries(counts.cold).map(([reason, count]): Sample => [{ profile: name, reason }, count]),
      ),
  },
  {
    name: 'thaw_warm_ratio',
    type: 'gauge',
    help: 'The share of the launches seen that were warm.',
    samples: each((profile) => {
      const all = profile.counts.warm + coldLaunches(profile.counts);
      return all === 0 ? undefined : profile.counts.warm / all;
    }),
  },
  {
    name: 'thaw_image_made_timestamp_seconds',
    type: 'gauge',
    help: 'When the image was made that launches use.',
    samples: each(({ madeAt }) => (madeAt === null ? undefined : madeAt / 1000)),
  },
  {
    name: 'thaw_image_age_seconds',
    type: 'gauge',
    help: 'How old that image is.',
    samples: each(({ madeAt }) => (madeAt === null ? undefined : (Date.now() - madeAt) / 1000)),
  },
  {
    name: 'thaw_image_bytes',
    type: 'gauge',
    help: 'What the images take on the disk.',
    samples: each(({ onDisk }) => onDisk),
  },
  {
    name: 'thaw_image_stale',
    type: 'gauge',
    help: '1: launches want a new image, for this reason.',
    samples: ({ profiles }) =>
      profiles.map(({ name, stale }): Sample => [
        { profile: name, reason: stale?.condition ?? '' },
        stale === null ? 0 : 1,
      ]),
  },
  {
    name: 'thaw_rebuild_waiting',
    type: 'gauge',
    help: '1: a rebuild waits, by what it waits for.',
    samples: ({ profiles }) =>
      profiles.flatMap(({ name, waits }) =>
        waits.map((wait): Sample => [{ profile: name, reason: wait.name }, 1]),
      ),
  },
  {
    name: 'thaw_rebuilds_total',
    type: 'counter',
    help: 'Builds of the daemon, by how they went.',
    samples: ({ profiles }) =>
      profiles.flatMap(({ name, counts }): Sample[] => [
        [{ profile: name, result: 'built' }, counts.rebuilt],
        [{ profile: name, result: 'failed' }, counts.failed],
      ]),
  },
  {
    name: 'thaw_rebuild_failures',
    type: 'gauge',
    help: 'Builds of anybody that have failed since one went well.',
    samples: each(({ failures }) => failures),
  },
  {
    name: 'thaw_instances',
    type: 'gauge',
    help: 'Running processes of images.',
    samples: each(({ running }) => running),
  },
  {
    name: 'thaw_written_bytes_day',
    type: 'gauge',
    help: 'What builds have written to the store in the last day.',
    samples: ({ writtenToday }) => [[{}, writtenToday]],
  },
  {
    name: 'thaw_watched_folders',
    type: 'gauge',
    help: 'Folders with inputs, by whether the kernel tells of changes in them.',
    samples: ({ watched, unwatched }) => [
      [{ watched: 'yes' }, watched],
      [{ watched: 'no' }, unwatched],
    ],
  },
  {
    name: 'thaw_daemon_paused',
    type: 'gauge',
    help: '1: no rebuild begins.',
    samples: ({ state }) => [[{}, state === 'paused' ? 1 : 0]],
  },
];

export function metricsText(status: Status): string {
  return FAMILIES.map(({ name, type, help, samples }) => {
    const lines = samples(status).map(([labels, value]) => `${name}${labelsText(labels)} ${value}\n`);
    return lines.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
  }).join('');
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** The collector never reads half of it. What a power cut takes away is written again: no fsync. */
export function writeMetrics(file: string, status: Status): void {
  mkdirSync(dirname(file), { recursive: true });
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, metricsText(status));
  // node_exporter runs as a user of its own.
  chmodSync(aside, 0o644);
  renameSync(aside, file);
}

/** Answers GET /metrics. */
export function metricsServer(status: () => Status): Server {
  return createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(metricsText(status()));
  });
}
