// The trial launch: an image is installed only after its app has come back from it and works as it does after a cold start.
import { setTimeout } from 'node:timers/promises';

import { type App, type Ending, exitText } from '../app/app.js';
import { type ImageLaunch, launch, launchOver } from '../app/launch.js';
import type { Definition } from '../definition/schema.js';
import { native } from '../engine/index.js';
import { ThawError } from '../errors.js';
import { logOf, msSince } from '../log.js';
import type { Progress } from '../progress.js';
import { untilUp } from '../warmup/triggers/index.js';
import { type Cold, coldStart } from './cold.js';
import { DATE_TOLERANCE_MS, type Shown, differences, lateHeaders } from './differences.js';
import { type HttpAnswer, httpAnswer } from './http_date.js';
import { ALIVE_MS, END_MS, endsWell, look } from './instance.js';

/** Commands that have to end well get that long to do so; they may have begun before the app. */
const WORK_MS = 10_000;
const RETRY_MS = 20;
/** What headers leave of a time. */
const SECOND_MS = 1000;
/** Ending takes a launched app as long as any other, but for the noise of a machine that is busy. */
const SLOWER = 3;
const NOISE_MS = 2000;

const provingLog = logOf('proving');

/** Launches the image and proves that its app works. @throws ThawError */
export async function trial(proof: ImageLaunch, progress: Progress): Promise<void> {
  const { warmup, prove } = proof.definition;
  const commands = prove.run ?? warmup.run;
  const cold = await coldStart(proof, commands);
  const begin = performance.now();
  const app = launch(proof);
  try {
    await launchOver(proof, app);
    const shown = await atWork(proof, app, commands);
    provingLog.info({ pid: app.pid, image: proof.image, ms: msSince(begin) }, 'proved');
    if (shown === undefined) return;
    const http = await answerOf(proof, cold);
    if (commands.length === 0) warnUnasked(proof.definition, http, progress);
    const pid = pidIn(proof.image) ?? shown.pid;
    if (cold !== undefined) compare(proof, cold, { ...shown, pid, http }, commands, progress);
    const ending = await app.end(cold === undefined ? END_MS : limitOf(cold.ending));
    if (cold !== undefined) compareEndings(cold.ending, ending, prove.run !== undefined, progress);
  } finally {
    await app.end();
  }
  if (prove.differs !== undefined) await expectDifferent(proof, prove.differs);
}

/** That of the build, where the app has it in each launch, beside whatever stands for it; undefined: a new one. */
function pidIn(image: string): number | undefined {
  const [root] = native.show(image).processes;
  return root?.keepsPid === true ? root.pid : undefined;
}

/** What the commands found the app to say; undefined: it has done its work and ended well. @throws ThawError */
async function atWork(proof: ImageLaunch, app: App, commands: readonly string[]): Promise<Shown | undefined> {
  const { until, timeoutMs } = proof.definition.warmup;
  if (commands.length === 0 && (await endsWell(app, proof, ALIVE_MS))) return undefined;
  const limits = {
    what: 'trial launch',
    timeoutMs,
    interrupt: proof.interrupt,
    remedy: "the restored app does not pass the profile's warmup.run, or does not listen on its port",
  };
  try {
    return await app.during(async (signal) => {
      // Both: a command may succeed before the app has even begun.
      const [shown] = await Promise.all([
        look(app, commands, proof, signal),
        setTimeout(ALIVE_MS, undefined, { signal }),
      ]);
      await untilUp(until, app.pid, RETRY_MS, signal);
      return shown;
    }, limits);
  } catch (error) {
    proof.interrupt.throwIfAborted();
    // It may have done its work meanwhile: then what it leaves tells, as the commands see it.
    if (!(await endsWell(app, proof, 0))) throw error;
    const { answers } = await look(app, commands, proof, AbortSignal.timeout(WORK_MS), () => false);
    if (answers.some(({ code }) => code !== 0)) throw error;
    return undefined;
  }
}

/** Unless the profile says in so many words that there is nothing to ask. */
function warnUnasked(
  { prove, warmup: { until } }: Definition,
  http: HttpAnswer | undefined,
  progress: Progress,
): void {
  if (prove.run !== undefined || prove.differs !== undefined) return;
  const alive = until.kind === 'port' ? `lives and listens on port ${until.value}` : 'lives';
  // With -f, curl fails for a status of 400 and more.
  const [remedy, run] =
    http === undefined
      ? ['name commands that only an app at work answers, or say that there are none:\n    ', '[]']
      : ['', `["curl ${http.status < 400 ? '-sf' : '-s'} ${http.url}"]`];
  progress.warn(
    `that the launched app ${alive} after ${ALIVE_MS} ms is all that proves the image\n    ${remedy}[prove]\n    run = ${run}`,
  );
}

/** Where the port of a launched server answers HTTP: once the time is another one than that of the build, if it dates that. */
async function answerOf(
  { definition, image, interrupt }: ImageLaunch,
  cold: Cold | undefined,
): Promise<HttpAnswer | undefined> {
  const { until } = definition.warmup;
  // What did not speak HTTP after a cold start does not either after a launch, and is not asked again.
  if (until.kind !== 'port' || (cold !== undefined && cold.http === undefined)) return undefined;
  const http = await httpAnswer(until.value, interrupt);
  const made = native.show(image).requirements.madeAtMs;
  if (http?.date === undefined || Date.parse(http.date) > made) return http;
  const wait = made + DATE_TOLERANCE_MS + SECOND_MS - Date.now();
  if (wait <= 0) return http;
  await setTimeout(wait, undefined, { signal: interrupt });
  return httpAnswer(until.value, interrupt);
}

function compare(
  { definition: { prove, warmup } }: ImageLaunch,
  cold: Cold,
  { http, ...warm }: Shown & { readonly http: HttpAnswer | undefined },
  commands: readonly string[],
  progress: Progress,
): void {
  const found = differences(commands, cold.shown, warm, prove.run !== undefined);
  if (http !== undefined && warmup.until.kind === 'port')
    found.push(...lateHeaders(warmup.until.value, cold.http, http));
  for (const { what, remedy } of found.filter(({ harmless }) => harmless))
    progress.warn(`${what}\n    ${remedy}`);
  const wrong = found.filter(({ harmless }) => !harmless);
  if (wrong.length > 0)
    throw new ThawError(`trial launch: ${wrong.map(({ what }) => what).join('\n')}`, {
      remedy: wrong[0]?.remedy,
    });
}

function limitOf({ exit, ms }: Ending): number {
  return exit === undefined ? END_MS : Math.max(SLOWER * ms, NOISE_MS + ms);
}

/**
 * Where the signal itself has ended the cold one, it may not have had its handler yet: unless `strict`, that is a warning.
 * @throws ThawError where a launched app ends otherwise than one that was started cold
 */
function compareEndings(cold: Ending, warm: Ending, strict: boolean, progress: Progress): void {
  if (cold.exit === undefined) return; // It takes longer than anybody would wait.
  if (cold.exit.code === warm.exit?.code && cold.exit.signal === warm.exit.signal) return;
  const after = warm.exit === undefined ? ` after ${cold.ms.toFixed(0)} ms` : '';
  const is = warm.exit === undefined ? 'does not end' : `with ${exitText(warm.exit)}`;
  const what =
    `trial launch: an app that was started cold ends with ${exitText(cold.exit)} on SIGTERM${after}, ` +
    `the launched one ${is}`;
  const remedy =
    'a handler that compares getpid() with a pid that was kept ignores the signal: let it ask each time, or set launch.keep_pid = true; see prove in the profile';
  if (strict || cold.exit.signal === null) throw new ThawError(what, { remedy });
  progress.warn(`${what}\n    ${remedy}`);
}

/** Two instances shall not draw the same numbers. @throws ThawError */
async function expectDifferent(proof: ImageLaunch, command: string): Promise<void> {
  const draw = async (): Promise<string> => {
    const app = launch(proof);
    try {
      const shown = await app.during(
        async (signal) => {
          await untilUp(proof.definition.warmup.until, app.pid, RETRY_MS, signal);
          return look(app, [command], proof, signal);
        },
        { what: 'trial launch', timeoutMs: proof.definition.warmup.timeoutMs, interrupt: proof.interrupt },
      );
      return shown.answers[0]?.output.trim() ?? '';
    } finally {
      await app.end();
    }
  };
  const [one, other] = [await draw(), await draw()];
  if (one === other)
    throw new ThawError(`trial launch: two launches say the same to \`${command}\`: ${one.slice(0, 120)}`, {
      remedy: 'let the app seed its generator anew after a launch (thaw_checkpoint() returns there)',
    });
}
