// How a registry is told who asks: nobody, by name and password, or by a token that another server gives for those. Facts:
// RFC 9110 section 11.6.1 (challenges), RFC 7617 (Basic), "Token Authentication Specification" and "OAuth2 Token Authentication" of the
// distribution project.
import * as v from 'valibot';

import { ThawError } from '../errors.js';
import type { Credentials } from './credentials.js';
import { isLoopback } from './reference.js';

export interface Challenge {
  /** In small letters. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The first that thaw can answer. */
export function challengeOf(header: string): Challenge | undefined {
  // A scheme is a word that no `=` follows.
  const parts = header.split(/,?\s*\b(?=(?:Basic|Bearer)\s)/i);
  return parts
    .map((part) => {
      const scheme = /^\s*(\w+)/.exec(part)?.[1]?.toLowerCase() ?? '';
      const pairs = [...part.matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)];
      const parameters = Object.fromEntries(
        pairs.map(([, key = '', quoted, plain = '']) => [
          key.toLowerCase(),
          quoted?.replace(/\\(.)/g, '$1') ?? plain,
        ]),
      );
      return { scheme, parameters };
    })
    .find(({ scheme }) => scheme === 'basic' || scheme === 'bearer');
}

const tokenSchema = v.object({ token: v.optional(v.string()), access_token: v.optional(v.string()) });

/** The value of Authorization that answers the challenge. @throws ThawError */
export async function answer(
  challenge: Challenge,
  credentials: Credentials | undefined,
  scope: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (challenge.scheme === 'basic') return credentials === undefined ? undefined : basic(credentials);
  const { realm = '', service } = challenge.parameters;
  const request = tokenRequest(realm, service, scope, credentials);
  const response = await fetch(request.url, { ...request.init, signal, redirect: 'error' });
  if (!response.ok)
    throw new ThawError(`${new URL(realm).host} gives no token: ${response.status}`, {
      remedy: credentials === undefined ? 'log in (docker login, skopeo login)' : 'log in again',
    });
  const { token, access_token } = v.parse(tokenSchema, await response.json());
  const given = token ?? access_token;
  return given === undefined ? undefined : `Bearer ${given}`;
}

function basic({ user, password }: Credentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function tokenRequest(
  realm: string,
  service: string | undefined,
  scope: string,
  credentials: Credentials | undefined,
): { readonly url: URL; readonly init: RequestInit } {
  const url = expectSafe(realm);
  const asked = { ...(service === undefined ? {} : { service }), scope };
  if (credentials?.identityToken !== undefined) {
    const grant = {
      grant_type: 'refresh_token',
      refresh_token: credentials.identityToken,
      client_id: 'thaw',
    };
    return { url, init: { method: 'POST', body: new URLSearchParams({ ...asked, ...grant }) } };
  }
  for (const [key, value] of Object.entries(asked)) url.searchParams.set(key, value);
  return { url, init: credentials === undefined ? {} : { headers: { authorization: basic(credentials) } } };
}

/** A password goes to no server that anybody can read along with. */
function expectSafe(realm: string): URL {
  if (URL.canParse(realm)) {
    const url = new URL(realm);
    if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.host))) return url;
  }
  throw new ThawError(`the registry names a server for tokens that is not asked: '${realm}'`, {
    remedy: 'only https is taken, but for this machine itself',
  });
}
