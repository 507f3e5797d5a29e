// What an image needs of the device that launches it, in words.
import type { Image } from '../engine/index.js';

/** CPU, kernel, page size, user and files. */
export function needs({ header, requirements, files }: Image): [string, string][] {
  const checked = files.filter(({ mapped, keptOpen, program }) => mapped || keptOpen || program);
  const byTime = checked.filter(({ buildId }) => buildId === '').length;
  return [
    ['cpu', `${header.cpu}${features(requirements.cpuFeatures)}`],
    ['kernel', `Linux 5.10 or newer with pages of ${header.pageSize} bytes; made on ${requirements.kernel}`],
    ['user', `${requirements.user}:${requirements.group}`],
    [
      'files',
      `${checked.length}: ${checked.length - byTime} known by their build-id, ${byTime} by their size and time`,
    ],
  ];
}

/** The features with a name that says something; --json has all of them. */
function features(list: string): string {
  // Numbers are named with those of this CPU, which are of no interest here.
  const all = list
    .split(', ')
    .map((feature) => feature.replace(/ \(here \d+\)$/, ''))
    .filter((feature) => feature !== '');
  const named = all.filter((feature) => !/ bit \d+$/.test(feature));
  const others = all.length - named.length;
  if (all.length === 0) return '';
  return ` with ${named.join(', ')}${others === 0 ? '' : ` and ${others} more`}`;
}
