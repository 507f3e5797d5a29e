// `node dist/scripts/fleet/main.js [--devices N] [--models N] [--store-mb N]`: a fleet on paper.
import { parseArgs } from 'node:util';

import { pairs } from '../../launcher/columns.js';
import { simulate } from './simulation.js';

function main(): void {
  const { values } = parseArgs({
    options: {
      devices: { type: 'string', default: '100000' },
      models: { type: 'string', default: '40' },
      'store-mb': { type: 'string', default: '25' },
    },
  });
  const outcome = simulate({
    devices: Number(values.devices),
    models: Number(values.models),
    storeSize: Number(values['store-mb']) * 1e6,
  });
  const share = (n: number): string => `${n} (${((100 * n) / outcome.devices).toFixed(2)} %)`;
  const rows: [string, string][] = [
    ['devices', String(outcome.devices)],
    ['stores in the index', String(outcome.entries)],
    ['size of the index', `${(outcome.indexBytes / 1e3).toFixed(1)} KB`],
    ['the store of their model', share(outcome.own)],
    ['one of another model that fits', share(outcome.kin)],
    ['none: an older root', share(outcome.oldRoot)],
    ['none: the CPU lacks a feature', share(outcome.lacking)],
    ['one that would be cold', share(outcome.wrong)],
    ['requests on a day without news', String(outcome.quietRequests)],
    ['requests when all get new stores', String(outcome.newsRequests)],
    ['bytes when all get new stores', `${(outcome.newsBytes / 1e12).toFixed(2)} TB`],
    ['to choose, on one device', `${outcome.resolveUs.toFixed(0)} µs`],
  ];
  process.stdout.write(pairs(rows));
}

main();
