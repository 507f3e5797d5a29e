// Ed25519 keys in PEM, as openssl writes and reads them.
import { type KeyObject, createPrivateKey, createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { native } from '../engine/index.js';
import { ThawError, messageOf } from '../errors.js';

const MAKE = 'make one with: openssl genpkey -algorithm ed25519 -out private.pem';
const PUBLISH = 'make it with: openssl pkey -in private.pem -pubout -out public.pem';

/** @throws ThawError */
export function privateKey(path: string): KeyObject {
  return keyFrom(path, 'an Ed25519 private key', MAKE, (pem) => [createPrivateKey(pem)])[0] as KeyObject;
}

/** All public keys of a file. @throws ThawError */
export function publicKeys(path: string): readonly KeyObject[] {
  return keyFrom(path, 'an Ed25519 public key', PUBLISH, (pem) => {
    const blocks = pem.match(/-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g) ?? [];
    return blocks.map((block) => createPublicKey(block));
  });
}

/**
 * Those in the file that an option names, else those that launches on this device (or in that root) ask for; undefined: none
 * is asked for. @throws ThawError
 */
export function requiredKeys(option: string | undefined, root = '/'): readonly KeyObject[] | undefined {
  if (option !== undefined) return publicKeys(option);
  const policy = join(root, native.store.requireSignature);
  return existsSync(policy) ? publicKeys(policy) : undefined;
}

/** The 32 bytes of a key's public part. */
export function publicBytes(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}

function keyFrom(
  path: string,
  what: string,
  remedy: string,
  read: (pem: string) => readonly KeyObject[],
): readonly KeyObject[] {
  let keys: readonly KeyObject[];
  try {
    keys = read(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ThawError(`${path} is not ${what}: ${messageOf(error)}`, { remedy, cause: error });
  }
  if (keys.length > 0 && keys.every(({ asymmetricKeyType }) => asymmetricKeyType === 'ed25519')) return keys;
  throw new ThawError(`${path} is not ${what}`, { remedy });
}
