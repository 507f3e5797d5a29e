// thaw checkpoint: the engine by hand.
import { resolve } from 'node:path';

import { accountOf } from '../app/account.js';
import { command, print, printJson } from '../command.js';
import { policyActions } from '../definition/policies.js';
import { UsageError } from '../errors.js';
import { type CheckpointReport, type Policy, native } from '../engine/index.js';
import { flag, guardsOff, json, pid, repeated, required, store, text } from '../options.js';
import { readersOf, shareImage } from '../store/readers.js';
import { size } from '../units.js';

export default command({
  about: 'Writes the image of a running process and ends the process.',
  options: {
    pid: required(pid('the process')),
    image: required(text('--image <FILE>', 'the image to write')),
    leaveRunning: flag('--leave-running', 'let the process run on'),
    policies: repeated(
      '--policy <type=T,path=P,action=A>',
      'what to do with state that cannot be restored by itself; may be given several times, the first match wins; type ' +
        'and path may be left out',
      policy,
    ),
    pidNamespace: flag(
      '--pid-namespace',
      'each launch makes a pid namespace, in which all processes have their pids of now (launch.pids = "namespace")',
    ),
    userNamespace: flag(
      '--user-namespace',
      'the same for ordinary users as well, who make it in a user namespace (launch.pids = "user-namespace")',
    ),
    guardsOff,
    store,
    json,
  },
  operands: [],
  async run({ pid, leaveRunning, policies, pidNamespace, userNamespace, guardsOff, ...options }) {
    const image = resolve(options.image);
    const report = await native.checkpoint({
      pid,
      image,
      leaveRunning,
      policies,
      program: '',
      args: [],
      env: [],
      startedWith: [],
      environmentRule: 'image',
      ignoredVariables: [],
      cwd: '',
      anyFolder: true,
      profile: '',
      deliver: false,
      inherit: [],
      pidNamespace: pidNamespace || userNamespace,
      userNamespace,
      guardsOff,
    });
    await share(image);
    for (const warning of report.warnings) process.stderr.write(`thaw: warning: ${warning}\n`);
    if (options.json) printJson(report);
    else print(reportText(image, report));
    return 0;
  },
});

/** The user that the process ran as can launch it. */
async function share(image: string): Promise<void> {
  const { user } = native.show(image).requirements;
  if (user !== process.geteuid?.()) shareImage(image, await readersOf(await accountOf(String(user))));
}

function reportText(image: string, report: CheckpointReport): string {
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
