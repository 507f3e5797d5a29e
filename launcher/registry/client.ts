// A repository in a registry: manifests and blobs, by the OCI Distribution Specification 1.1.
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';

import { ThawError, messageOf } from '../errors.js';
import { logOf, msSince } from '../log.js';
import { answer, challengeOf } from './auth.js';
import type { Cache } from './cache.js';
import { credentialsFor } from './credentials.js';
import { type Descriptor, INDEX, MANIFEST, MOST_OF_MANIFEST, digestOf } from './oci.js';
import { type Reference, baseOf, textOf } from './reference.js';

const registryLog = logOf('registry');

const ACCEPTED = { accept: `${INDEX}, ${MANIFEST}` };

export interface StoredManifest {
  readonly bytes: Buffer;
  readonly digest: string;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each try. */
  readonly body?: () => Uint8Array | ReadableStream;
}

export class Registry {
  readonly #base: string;
  #authorization: string | undefined;
  /** How many requests were made, with those for tokens. */
  requests = 0;

  constructor(
    readonly reference: Reference,
    /** `pull` or `pull,push`. */
    readonly actions: string,
    readonly interrupt: AbortSignal,
    readonly cache?: Cache,
  ) {
    this.#base = baseOf(reference);
  }

  /** What a tag or a digest names. @throws ThawError */
  async manifest(what: string): Promise<StoredManifest> {
    const isDigest = what.startsWith('sha256:');
    const wanted = isDigest ? what : await this.#digestOfTag(what);
    const kept = wanted === undefined ? undefined : this.cache?.get(wanted);
    if (wanted !== undefined && kept !== undefined) return { bytes: kept, digest: wanted };
    const bytes = await readAll(await this.#get(`manifests/${what}`, ACCEPTED), MOST_OF_MANIFEST);
    const digest = digestOf(bytes);
    if (isDigest && what !== digest) throw changed(what, digest);
    this.cache?.put(digest, bytes);
    return { bytes, digest };
  }

  /** A small blob, compared with its digest. @throws ThawError */
  async blob({ digest, size }: Descriptor): Promise<Buffer> {
    const kept = this.cache?.get(digest);
    if (kept !== undefined) return kept;
    if (size > MOST_OF_MANIFEST) throw new ThawError(`${digest} is too large for what it is: ${size} bytes`);
    const bytes = await readAll(await this.#get(`blobs/${digest}`), size);
    if (digestOf(bytes) !== digest) throw changed(digest, digestOf(bytes));
    this.cache?.put(digest, bytes);
    return bytes;
  }

  /** Only for who has kept something; undefined: the registry does not tell. */
  async #digestOfTag(tag: string): Promise<string | undefined> {
    if (this.cache === undefined) return undefined;
    const { headers } = await this.#request(`manifests/${tag}`, { method: 'HEAD', headers: ACCEPTED });
    return headers.get('docker-content-digest') ?? undefined;
  }

  /** What follows `offset` of a blob; all of it, with `from` 0, where the registry knows no ranges. */
  async blobFrom(
    digest: string,
    offset: number,
  ): Promise<{ readonly from: number; readonly body: Response }> {
    const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
    const body = await this.#get(`blobs/${digest}`, headers);
    const from = /^bytes (\d+)-/.exec(body.headers.get('content-range') ?? '')?.[1];
    return { from: body.status === 206 ? Number(from) : 0, body };
  }

  async hasBlob(digest: string): Promise<boolean> {
    const { status } = await this.#request(`blobs/${digest}`, { method: 'HEAD' });
    return status === 200;
  }

  /** @throws ThawError */
  putBytes(digest: string, bytes: Buffer): Promise<void> {
    return this.#put(digest, bytes.length, () => bytes);
  }

  /** `told`: how many bytes have been read so far. @throws ThawError */
  putFile(digest: string, path: string, size: number, told: (done: number) => void): Promise<void> {
    return this.#put(digest, size, () => {
      let done = 0;
      const stream = createReadStream(path, { highWaterMark: 1 << 20 });
      stream.on('data', (chunk) => {
        told((done += chunk.length));
      });
      return Readable.toWeb(stream) as ReadableStream;
    });
  }

  /** @throws ThawError */
  async putManifest(what: string, mediaType: string, bytes: Buffer): Promise<void> {
    const headers = { 'content-type': mediaType };
    const response = await this.#request(`manifests/${what}`, { method: 'PUT', headers, body: () => bytes });
    await expect(response, 201, `${textOf(this.reference)} is not taken`);
  }

  /** In one piece: all registries take it, not all take several. */
  async #put(digest: string, size: number, body: () => Uint8Array | ReadableStream): Promise<void> {
    if (await this.hasBlob(digest)) return;
    const begun = await this.#request('blobs/uploads/', { method: 'POST' });
    await expect(begun, 202, `${textOf(this.reference)} cannot be pushed to`);
    const place = new URL(begun.headers.get('location') ?? '', new URL('blobs/uploads/', this.#base));
    place.searchParams.set('digest', digest);
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(size) };
    const put = await this.#request(place.href, { method: 'PUT', headers, body });
    await expect(put, 201, `${digest} is not taken`);
  }

  async #get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const response = await this.#request(path, { headers });
    const answered = response.status === 206 ? 206 : 200;
    await expect(response, answered, `${textOf(this.reference)}: ${path} cannot be had`);
    return response;
  }

  /** Once more with a name, where the registry asks for one. @throws ThawError */
  async #request(path: string, asked: Asked): Promise<Response> {
    const url = new URL(path, this.#base);
    const first = await this.#send(url, asked);
    const challenge = challengeOf(first.headers.get('www-authenticate') ?? '');
    if (first.status !== 401 || challenge === undefined) return first;
    await first.body?.cancel();
    const { host, name } = this.reference;
    const scope = `repository:${name}:${this.actions}`;
    if (challenge.scheme === 'bearer') this.requests++;
    const credentials = await credentialsFor(host);
    this.#authorization = await reached(host, () => answer(challenge, credentials, scope, this.interrupt));
    return this.#send(url, asked);
  }

  async #send(url: URL, { method = 'GET', headers = {}, body }: Asked): Promise<Response> {
    const begin = performance.now();
    this.requests++;
    // To no other server that the registry may name for an upload.
    const own = this.#authorization !== undefined && url.origin === new URL(this.#base).origin;
    const response = await reached(url.host, () =>
      fetch(url, {
        method,
        signal: this.interrupt,
        headers: { ...headers, ...(own ? { authorization: this.#authorization ?? '' } : {}) },
        ...(body === undefined ? {} : { body: body(), duplex: 'half', redirect: 'error' }),
      } as RequestInit),
    );
    registryLog.debug({ method, url: url.pathname, status: response.status, ms: msSince(begin) }, 'request');
    return response;
  }
}

/** @throws ThawError where the server cannot be reached, with the reason that lies below fetch's */
async function reached<T>(host: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ThawError) throw error;
    const { cause } = error as { readonly cause?: unknown };
    throw new ThawError(`${host} cannot be reached: ${messageOf(cause ?? error)}`, {
      code: 'UNREACHABLE',
      cause: error,
    });
  }
}

function changed(digest: string, found: string): ThawError {
  return new ThawError(`what the registry has as ${digest} is something else: ${found}`, {
    remedy: 'push it again; somebody may have changed it in the registry',
  });
}

const errorsOf = (text: string): string => {
  try {
    const { errors } = JSON.parse(text) as { readonly errors?: readonly { readonly message?: string }[] };
    return (errors ?? [])
      .map(({ message = '' }) => message)
      .join(', ')
      .replace(/\p{Cc}/gu, ' ');
  } catch {
    return '';
  }
};

const REMEDIES: Readonly<Record<number, string>> = {
  401: 'log in (docker login, podman login, skopeo login)',
  403: 'log in as somebody who may do that',
  404: 'look at the name and the tag',
};

/** @throws ThawError with what the registry says of it */
async function expect(response: Response, status: number, what: string): Promise<void> {
  if (response.status === status) return;
  const said = errorsOf((await readAll(response, 1 << 16).catch(() => Buffer.alloc(0))).toString('utf8'));
  throw new ThawError(`${what}: ${response.status}${said === '' ? '' : ` (${said})`}`, {
    remedy: REMEDIES[response.status],
    code: response.status >= 500 || response.status === 429 ? 'UNREACHABLE' : String(response.status),
  });
}

/** @throws ThawError where there is more than `most` */
async function readAll({ body }: Response, most: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > most) throw new ThawError(`the registry sends more than the ${most} bytes that are taken`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
