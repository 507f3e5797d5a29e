// thaw bench: cold against warm starts of an installed profile.
import { table } from '../columns.js';
import { command, print, printJson } from '../command.js';
import { interruptibly } from '../interruption.js';
import { type Starts, measure } from '../measuring/starts.js';
import { countOr, flag, json, store } from '../options.js';
import { PHASES, untilResume } from '../phases.js';
import { median, summary } from '../statistics.js';
import { Stores } from '../store/stores.js';

export default command({
  about:
    'Starts the app of a profile cold and warm in turn and prints how long each takes until it listens on its port (if the ' +
    'profile waits for one) and the commands of its [train] section, else of warmup.run, have succeeded; of an app with ' +
    'neither, until it has ended. The time of the commands is part of both. No instance may serve the port meanwhile.',
  options: {
    store,
    json,
    runs: countOr('--runs <N>', 'how often each is started', 5),
    trace: flag(
      '--trace',
      "more warm launches, with the time of their phases: from thaw-exec's main() until every thread runs again",
    ),
  },
  operands: ['<NAME>'],
  run({ store, json, runs, trace }, [name]) {
    return interruptibly(async (signal) => {
      const report = await measure(new Stores(store), name, runs, trace, signal);
      if (json) printJson(report);
      else print(text(report));
      return 0;
    });
  },
});

function text({ cold, warm, phases }: Starts): string {
  const ratio = `${(median(cold) / median(warm)).toFixed(1)} times faster\n`;
  const starts = times([
    ['cold', cold],
    ['warm', warm],
  ]);
  if (phases.length === 0) return starts + ratio;
  const rows = PHASES.map((phase) => [phase, phases.map((one) => one[phase] / 1000)] as const);
  const resume = ['until resume', phases.map((one) => untilResume(one) / 1000)] as const;
  return `${starts}${ratio}\n${times([...rows, resume])}`;
}

/** Medians and quartiles in milliseconds. */
function times(rows: readonly (readonly [string, readonly number[]])[]): string {
  const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
  return table(
    [{ title: 'WHAT' }, { title: 'MEDIAN', right: true }, { title: 'QUARTILES', right: true }],
    rows.map(([what, values]) => {
      const { median, low, high } = summary(values);
      return [what, ms(median), `${ms(low)} .. ${ms(high)}`];
    }),
  );
}
