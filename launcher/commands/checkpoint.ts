// thaw checkpoint: the engine by hand.
import { resolve } from 'node:path';

import { guards, noOperands, parse, print, printJson, processId } from '../command.js';
import { policyActions } from '../definition/policies.js';
import { UsageError } from '../errors.js';
import { type CheckpointReport, type Policy, native } from '../engine/index.js';
import { size } from '../table.js';

export const help = `usage: thaw checkpoint --pid PID --image FILE [options]

Writes the image of a running process and ends the process.

  --leave-running          let the process run on
  --policy type=T,path=P,action=A
                           what to do with state that cannot be restored by itself; may be given several times,
                           the first match wins; type and path may be left out
  --guards-off NAME,...    leave out guards of restored memory (for tests of what they guard against);
                           default: $THAW_GUARDS_OFF
  --store DIR              accepted as by every command; the image goes where --image says
  --json                   report as JSON
`;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    pid: { type: 'string' },
    image: { type: 'string' },
    store: { type: 'string' },
    'leave-running': { type: 'boolean' },
    'guards-off': { type: 'string' },
    policy: { type: 'string', multiple: true },
    json: { type: 'boolean' },
  });
  noOperands(positionals);
  if (values.pid === undefined) throw new UsageError('--pid is missing');
  if (values.image === undefined) throw new UsageError('--image is missing');
  const image = resolve(values.image);
  const report = await native.checkpoint({
    pid: processId(values.pid),
    image,
    leaveRunning: values['leave-running'] === true,
    policies: (values.policy ?? []).map(policy),
    program: '',
    args: [],
    env: [],
    cwd: '',
    profile: '',
    deliver: false,
    inherit: [],
    guardsOff: guards(values['guards-off']),
  });
  if (values.json === true) printJson(report);
  else print(text(image, report));
  return 0;
}

function text(image: string, report: CheckpointReport): string {
  return (
    `${image}: ${size(report.storedBytes)}, ${report.threads} threads, ${report.mappings} mappings, ` +
    `${report.descriptors} descriptors, frozen for ${report.frozenMs.toFixed(0)} ms\n`
  );
}

/** Reads `type=file,path=/a/*.log,action=append`. @throws UsageError */
function policy(text: string): Policy {
  const keys = new Map<string, string>();
  for (const part of text.split(/,(?=(?:type|path|action)=)/)) {
    const [, key = '', value = ''] = /^(type|path|action)=(.+)$/s.exec(part) ?? [];
    if (key === '') throw new UsageError(`--policy: ${part} is none of type=T, path=P, action=A`);
    keys.set(key, value);
  }
  const [type, path, action] = [keys.get('type'), keys.get('path'), keys.get('action')];
  if (action === undefined || !policyActions.some((one) => one === action))
    throw new UsageError(`--policy: ${text}: action must be one of ${policyActions.join(', ')}`);
  return { ...(type === undefined ? {} : { type }), ...(path === undefined ? {} : { path }), action };
}
