// Times as units have them (systemd.time(7)): `5min 20s`, a number alone is seconds.

const SECONDS: Readonly<Record<string, number>> = {
  ...{ us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 },
  ...{ usec: 1e-6, msec: 1e-3, sec: 1, second: 1, seconds: 1, min: 60, minute: 60, minutes: 60 },
  ...{ hr: 3600, hour: 3600, hours: 3600, day: 86_400, days: 86_400, week: 604_800, weeks: 604_800, '': 1 },
};

/** In seconds; `infinity` is Infinity, and what is no time is 0. */
export function seconds(text: string): number {
  if (text.trim() === 'infinity') return Infinity;
  const parts = [...text.matchAll(/([\d.]+)\s*([a-z]*)/g)];
  return parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (SECONDS[unit] ?? 0), 0);
}
