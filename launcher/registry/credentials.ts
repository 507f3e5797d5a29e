// Whose name a registry is asked in: the file that docker, podman and skopeo keep, with `auths` by host, and helpers. Facts:
// containers-auth.json(5); "Credential helpers" of docker login.
import { execa } from 'execa';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';

import { ThawError, messageOf } from '../errors.js';

export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** To be exchanged for a token, in place of the password. */
  readonly identityToken: string | undefined;
}

const fileSchema = v.object({
  auths: v.optional(
    v.record(v.string(), v.object({ auth: v.optional(v.string()), identitytoken: v.optional(v.string()) })),
    {},
  ),
  credHelpers: v.optional(v.record(v.string(), v.string()), {}),
  credsStore: v.optional(v.string()),
});

const helperSchema = v.object({ Username: v.string(), Secret: v.string() });

/** undefined: it is asked without a name. @throws ThawError where a file cannot be understood */
export async function credentialsFor(host: string): Promise<Credentials | undefined> {
  for (const path of files().filter((path) => existsSync(path))) {
    const found = await inFile(path, host);
    if (found !== undefined) return found;
  }
  return undefined;
}

function files(): string[] {
  const { REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR } = process.env;
  if (REGISTRY_AUTH_FILE !== undefined) return [REGISTRY_AUTH_FILE];
  return [
    ...(XDG_RUNTIME_DIR === undefined ? [] : [join(XDG_RUNTIME_DIR, 'containers', 'auth.json')]),
    join(DOCKER_CONFIG ?? join(homedir(), '.docker'), 'config.json'),
  ];
}

async function inFile(path: string, host: string): Promise<Credentials | undefined> {
  const { auths, credHelpers, credsStore } = read(path);
  const helper = credHelpers[host] ?? credsStore;
  if (helper !== undefined) return fromHelper(helper, host);
  const { auth, identitytoken } = auths[host] ?? auths[`https://${host}`] ?? {};
  if (auth === undefined) return undefined;
  const [user = '', ...rest] = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '').split(':');
  return { user, password: rest.join(':'), identityToken: identitytoken };
}

function read(path: string): v.InferOutput<typeof fileSchema> {
  try {
    return v.parse(fileSchema, JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    // Not the words of the error: they can quote what is secret.
    throw new ThawError(`${path} does not have the form of docker's config.json`, {
      remedy: 'write it with: docker login, podman login or skopeo login',
      cause: error,
    });
  }
}

/** A user of `<token>` means that the secret is one. */
async function fromHelper(helper: string, host: string): Promise<Credentials | undefined> {
  const program = `docker-credential-${helper}`;
  const { failed, stdout, exitCode } = await execa(program, ['get'], { input: host, reject: false });
  if (failed && exitCode !== undefined) return undefined; // It knows nothing of this host.
  try {
    const { Username: user, Secret } = v.parse(helperSchema, JSON.parse(stdout));
    return user === '<token>'
      ? { user, password: '', identityToken: Secret }
      : { user, password: Secret, identityToken: undefined };
  } catch (error) {
    throw new ThawError(`${program} does not tell the credentials for ${host}: ${said(failed, error)}`);
  }
}

function said(failed: boolean, error: unknown): string {
  return failed ? 'it cannot be run' : v.isValiError(error) ? 'it says something else' : messageOf(error);
}
