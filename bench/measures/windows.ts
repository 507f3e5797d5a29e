import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { type Frame, type Strip, filmstrip } from '../chart/film.js';
import { readPpm } from '../chart/png.js';
import { inTurn, type Bench, type Measure } from '../measure.js';
import { windowProfiles } from '../subjects.js';
import { Place } from '../windows/place.js';

const NAME = 'windows';
const HOW = ['cold', 'warm'] as const;
/** Of the film's pictures, in ms after exec. */
const FILM_MS = [0, 3, 5, 10, 50, 100, 200, 400];
/** For what is shown after the last picture. */
const REST_MS = 100;

interface Run {
  /** From exec until the compositor had the first picture. */
  readonly ms: number;
  readonly frames: readonly Frame[];
}

/** Windows on a compositor without a screen, from exec until it has their first picture, by its own clock. */
export const windowsMeasure: Measure = {
  name: NAME,
  ownApps: true,
  summary: `first picture of a window (${windowProfiles.join(', ')}) as the compositor sees it, and a film of it`,
  run: async (bench) => {
    const strips: Strip[] = [];
    for (const profile of bench.windows) strips.push(...(await measureProfile(bench, profile)));
    mkdirSync(bench.charts, { recursive: true });
    const film = join(bench.charts, 'windows-film.svg');
    writeFileSync(film, filmstrip('What is on the screen, so long after exec', FILM_MS, strips));
    bench.say(`film: ${film}`);
  },
};

async function measureProfile(bench: Bench, profile: string): Promise<Strip[]> {
  const place = new Place(profile);
  const film = join(place.folder, 'film');
  mkdirSync(film);
  const runs: Record<(typeof HOW)[number], Run[]> = { cold: [], warm: [] };
  try {
    await place.compositor.startSeated();
    bench.say(`building the image of ${profile}`);
    await place.build();
    bench.say(`${profile}: first picture, cold and warm`);
    await place.compositor.command(`film ${film}`);
    await inTurn(
      bench.rounds,
      HOW.map((how) => async () => {
        const run = await measureOnce(place, how, film);
        runs[how].push(run);
        bench.recorder.add({ measure: NAME, subject: profile, variant: how }, 'ms', run.ms);
      }),
    );
  } finally {
    await place.end();
  }
  return HOW.map((how) => ({ label: `${profile}, ${how}`, frames: middle(runs[how]).frames }));
}

async function measureOnce(place: Place, how: (typeof HOW)[number], film: string): Promise<Run> {
  const window = place.start(how);
  const { exec, shown } = await window.times();
  await setTimeout(Math.max(...FILM_MS) + REST_MS);
  await window.close();
  const frames = readdirSync(film)
    .map((name) => ({ name, of: /^(\d+)-(\d+)\.ppm$/.exec(name) ?? [] }))
    .filter(({ of: [, pid] }) => Number(pid) === window.pid)
    .map(({ name, of: [, , ns] }) => ({
      at: (Number(ns) - exec) / 1e6,
      pixels: readPpm(readFileSync(join(film, name))),
    }))
    .sort((a, b) => a.at - b.at);
  return { ms: (shown - exec) / 1e6, frames };
}

/** The one that took as long as most. */
function middle(runs: readonly Run[]): Run {
  const sorted = [...runs].sort((a, b) => a.ms - b.ms);
  const found = sorted[Math.floor((sorted.length - 1) / 2)];
  if (found === undefined) throw new RangeError('a film of no launch');
  return found;
}
