// How busy the device is, as the kernel tells: pressure (PSI), load, memory, batteries. What a kernel does not tell is
// undefined, and stands in no rebuild's way.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { entries } from '../store/store.js';

export interface Readings {
  /** Percent of the last 10 seconds in which something waited for it (Documentation/accounting/psi.rst). */
  readonly cpuPressure: number | undefined;
  readonly ioPressure: number | undefined;
  readonly memoryPressure: number | undefined;
  /** Processes that run or wait for a disk, of the last minute, for each CPU that is online. */
  readonly load: number | undefined;
  /** Percent of the emptiest battery; undefined on mains. */
  readonly battery: number | undefined;
  /** Bytes that can be had without swapping. */
  readonly memory: number | undefined;
}

/** `root`: the folder in which `proc` and `sys` are. */
export function readings(root: string): Readings {
  const read = (...path: readonly string[]): string | undefined => textOf(join(root, ...path));
  return {
    cpuPressure: pressure(read('proc/pressure/cpu')),
    ioPressure: pressure(read('proc/pressure/io')),
    memoryPressure: pressure(read('proc/pressure/memory')),
    load: load(read('proc/loadavg'), read('sys/devices/system/cpu/online')),
    battery: battery(join(root, 'sys/class/power_supply')),
    memory: kilobytes('MemAvailable', read('proc/meminfo')),
  };
}

/** `some avg10=1.23 avg60=...` */
export function pressure(text: string | undefined): number | undefined {
  return numberIn(/^some avg10=([\d.]+)/m, text);
}

/** `online`: a list of CPUs such as `0-3,6`. */
export function load(loadavg: string | undefined, online: string | undefined): number | undefined {
  const running = numberIn(/^([\d.]+) /, loadavg);
  return running === undefined ? undefined : running / Math.max(1, cpusIn(online ?? '0'));
}

function cpusIn(list: string): number {
  return list
    .trim()
    .split(',')
    .map((range) => range.split('-').map(Number))
    .reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
}

/** Batteries of other things (scope Device: a mouse) do not feed the machine (Documentation/ABI/testing/sysfs-class-power). */
function battery(folder: string): number | undefined {
  const supplies = entries(folder).map((name) => {
    const value = (what: string): string | undefined => textOf(join(folder, name, what))?.trim();
    return {
      type: value('type'),
      scope: value('scope'),
      status: value('status'),
      charge: value('capacity'),
    };
  });
  const drained = supplies.filter(
    ({ type, scope, status }) => type === 'Battery' && scope !== 'Device' && status === 'Discharging',
  );
  const charges = drained.flatMap(({ charge }) => (charge === undefined ? [] : [Number(charge)]));
  return charges.length === 0 ? undefined : Math.min(...charges);
}

function kilobytes(name: string, text: string | undefined): number | undefined {
  const value = numberIn(new RegExp(`^${name}: +(\\d+) kB$`, 'm'), text);
  return value === undefined ? undefined : value * 1024;
}

function numberIn(pattern: RegExp, text: string | undefined): number | undefined {
  const found = pattern.exec(text ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
