// What a registry's artefact is called: HOST[:PORT]/NAME[:TAG][@DIGEST]. Facts: OCI Distribution Specification 1.1, "Pulling
// manifests"; the grammar of names and tags is the one that it gives.
import { UsageError } from '../errors.js';

export interface Reference {
  /** With the port, where one is given. */
  readonly host: string;
  readonly name: string;
  readonly tag: string;
  /** In place of the tag. */
  readonly digest: string | undefined;
}

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const GRAMMAR = new RegExp(
  `^(?<host>[A-Za-z0-9.-]+(?::\\d+)?|\\[[0-9a-fA-F:]+\\](?::\\d+)?)/(?<name>${COMPONENT}(?:/${COMPONENT})*)` +
    `(?::(?<tag>\\w[\\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$`,
);

/** @throws UsageError */
export function parseReference(text: string): Reference {
  const { host, name, tag = 'latest', digest } = GRAMMAR.exec(text)?.groups ?? {};
  if (host !== undefined && name !== undefined && isHost(host)) return { host, name, tag, digest };
  throw new UsageError(`${text} does not name an artefact in a registry`, {
    remedy: 'as in registry.example.com/apps/web:1.2 or localhost:5000/web@sha256:...',
  });
}

/** The first part of `apps/web` is no host: no registry is the one that is meant where none is named. */
function isHost(text: string): boolean {
  return /[.:]/.test(text) || text === 'localhost';
}

/** Only what does not leave the machine may go without TLS. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/.test(host);
}

/** Where its API begins. */
export function baseOf({ host, name }: Reference): string {
  return `${isLoopback(host) ? 'http' : 'https'}://${host}/v2/${name}/`;
}

export function textOf({ host, name, tag, digest }: Reference): string {
  return digest === undefined ? `${host}/${name}:${tag}` : `${host}/${name}@${digest}`;
}
