// Programs for what a device's root may lack (a shell, getent, curl), to be used after its own: the folder $THAW_TOOLS, which
// guests set that build the profiles of a device.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const SHELL = '/bin/sh';

function folder(): string | undefined {
  const tools = process.env['THAW_TOOLS'];
  return tools === '' ? undefined : tools;
}

/** A value for PATH with the tools at its end. */
export function withTools(path = ''): string {
  return [path, folder()].filter((part) => part !== undefined && part !== '').join(':');
}

/** The shell that runs a profile's commands. */
export function shellPath(): string {
  const tools = folder();
  return tools === undefined || existsSync(SHELL) ? SHELL : join(tools, 'sh');
}
