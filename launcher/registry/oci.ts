// What thaw keeps in a registry, in the words of the OCI Image Specification 1.1: an image manifest with an artifactType, whose
// config says what device it is for (needs.ts) and whose one layer is a sealed store; and an index of several. What comes
// from a registry is read by these schemas.
import { createHash } from 'node:crypto';
import * as v from 'valibot';

export const ARTIFACT = 'application/vnd.thaw.store.v1';
export const CONFIG = 'application/vnd.thaw.needs.v1+json';
export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX = 'application/vnd.oci.image.index.v1+json';
export const TITLE = 'org.opencontainers.image.title';
export const CREATED = 'org.opencontainers.image.created';

/** Of annotations. */
export const MODEL = 'thaw.model';
export const PROFILES = 'thaw.profiles';
/** The config as text, but for most build-ids: an index shall be small. */
export const SUMMARY = 'thaw.needs';
export const SIGNATURE = 'thaw.signature';

/** What a registry has to accept (Distribution Specification, "Pushing Manifests"), and the most that is taken from one. */
export const MOST_OF_MANIFEST = 4 << 20;

/** `application/vnd.thaw.store.v1.layer+erofs` */
export const layerType = (format: string): string => `${ARTIFACT}.layer+${format}`;
export function formatOfLayer(mediaType: string): string | undefined {
  const start = layerType('');
  return mediaType.startsWith(start) ? mediaType.slice(start.length) : undefined;
}

const annotations = v.optional(v.record(v.string(), v.string()), {});

export const descriptorSchema = v.object({
  mediaType: v.string(),
  digest: v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, 'only sha256 is known')),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  artifactType: v.exactOptional(v.string()),
  platform: v.exactOptional(
    v.object({ architecture: v.string(), os: v.string(), variant: v.exactOptional(v.string()) }),
  ),
  annotations,
});

export const manifestSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.literal(MANIFEST),
  artifactType: v.literal(ARTIFACT, 'it is no store of thaw'),
  config: descriptorSchema,
  layers: v.array(descriptorSchema),
  annotations,
});

export const indexSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.literal(INDEX),
  artifactType: v.exactOptional(v.string()),
  manifests: v.array(descriptorSchema),
  annotations,
});

export type Descriptor = v.InferOutput<typeof descriptorSchema>;
export type Manifest = v.InferOutput<typeof manifestSchema>;
export type Index = v.InferOutput<typeof indexSchema>;

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length, annotations: {} };
}

/** The same for the same value: keys stand in the order of its making. No annotations are left out. */
export function bytesOf(value: unknown): Buffer {
  const none = (key: string, part: unknown): boolean =>
    key === 'annotations' && Object.keys(part as object).length === 0;
  return Buffer.from(JSON.stringify(value, (key, part: unknown) => (none(key, part) ? undefined : part)));
}
