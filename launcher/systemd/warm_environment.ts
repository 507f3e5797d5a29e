// How the environment of a service differs from that of an image's warm-up, where that makes launches cold
// (native/launch/check/environment.cc).
import type { Variables } from '../app/setting.js';
import type { Image } from '../engine/index.js';
import type { UnitEnvironment } from '../likeness/unit.js';
import { variablesOf } from '../likeness/env_file.js';

export interface EnvironmentPlan {
  /** What a drop-in sets and takes away: nobody has said that these shall be as they are. */
  readonly set: Variables;
  readonly unset: readonly string[];
  /** What the unit, or the machine's settings, say otherwise than the warm-up had it: launches are cold. */
  readonly differ: readonly string[];
}

/** What systemd gives by itself depends on how it was built (its options split-usr and default-locale), so it is not relied on. */
const BUILT_IN: readonly string[] = ['PATH', 'LANG'];

export function environmentPlan(
  { requirements }: Image,
  { givenByDefault, said }: UnitEnvironment,
): EnvironmentPlan {
  const warm = variablesOf(requirements.environment);
  const service: Variables = { ...givenByDefault, ...said };
  const isInput = inputRule(requirements);
  const names = [...new Set([...Object.keys(warm), ...Object.keys(service)])].sort();
  const different = names.filter((name) => isInput(name) && warm[name] !== service[name]);
  const open = names.filter(
    (name) =>
      said[name] === undefined && (different.includes(name) || (BUILT_IN.includes(name) && isInput(name))),
  );
  const { set, unset } = {
    set: open.filter((name) => warm[name] !== undefined),
    unset: open.filter((name) => warm[name] === undefined),
  };
  return {
    set: Object.fromEntries(set.map((name) => [name, warm[name] ?? ''])),
    unset,
    differ: different.filter((name) => said[name] !== undefined),
  };
}

function inputRule({
  environmentRule: rule,
  inputs,
  ignoredVariables,
}: Image['requirements']): (name: string) => boolean {
  if (rule === 'image' || rule === 'deliver') return () => false;
  return (name) => !isListed(ignoredVariables, name) && (rule === 'all' || isListed(inputs, name));
}

/** Patterns are names, some with a `*` at the end. */
function isListed(patterns: readonly string[], name: string): boolean {
  return patterns.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : one === name));
}
