// The signature of an artefact: thaw's own kind of key, over the digests of its config and its layer, which are all that a
// device takes from it. Annotations are not covered, and nothing is decided by them that is not looked at again.
import { type KeyObject, createPublicKey, sign, verify } from 'node:crypto';

import { ThawError } from '../errors.js';
import { publicBytes } from '../signing/keys.js';
import { type Descriptor, type Manifest, SIGNATURE } from './oci.js';

type Signed = Pick<Manifest, 'artifactType' | 'config'> & { readonly layers: readonly Descriptor[] };

const line = ({ mediaType, digest, size }: Descriptor): string => `${mediaType} ${digest} ${size}\n`;

function statementOf({ artifactType, config, layers }: Signed): Buffer {
  return Buffer.from(`THAWOCI 1\n${artifactType}\n${[config, ...layers].map(line).join('')}`);
}

/** The annotation that holds it: the key, and the signature. */
export function signatureOf(manifest: Signed, key: KeyObject): Readonly<Record<string, string>> {
  const open = publicBytes(createPublicKey(key));
  const signature = sign(null, statementOf(manifest), key);
  return { [SIGNATURE]: `ed25519 ${open.toString('base64')} ${signature.toString('base64')}` };
}

/** @throws ThawError unless it is signed by one of `keys` */
export function expectSigned(what: string, manifest: Manifest, keys: readonly KeyObject[]): void {
  const text = manifest.annotations[SIGNATURE];
  if (text === undefined)
    throw new ThawError(`${what} has no signature, and this device takes nothing without`, {
      remedy: 'push it with --key PRIVATE.pem',
    });
  const [kind, open = '', signature = ''] = text.split(' ');
  const key = keys.find((one) => publicBytes(one).toString('base64') === open);
  if (kind !== 'ed25519' || key === undefined)
    throw new ThawError(`${what} is signed by another key than the ones that this device takes`, {
      remedy: 'push it with the key whose public part is on the device',
    });
  if (!verify(null, statementOf(manifest), key, Buffer.from(signature, 'base64')))
    throw new ThawError(`${what} is not what was signed`, {
      remedy: 'push it again; somebody may have changed it in the registry',
    });
}
