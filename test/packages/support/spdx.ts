// What SPDX 2.3 asks of a document with packages, as a schema, and what no schema says: that its references lead somewhere.
import * as v from 'valibot';

const id = v.pipe(v.string(), v.regex(/^SPDXRef-[A-Za-z0-9.-]+$/));
const line = v.pipe(v.string(), v.regex(/^[^\n]+$/));

const hex = { SHA256: 64, SHA512: 128, SHA1: 40 } as const;

const checksum = v.pipe(
  v.strictObject({
    algorithm: v.picklist(['SHA1', 'SHA256', 'SHA512']),
    checksumValue: v.pipe(v.string(), v.regex(/^[0-9a-f]+$/)),
  }),
  v.check(({ algorithm, checksumValue }) => checksumValue.length === hex[algorithm], 'length of a checksum'),
);

const reference = v.strictObject({
  referenceCategory: v.literal('PACKAGE-MANAGER'),
  referenceType: v.literal('purl'),
  referenceLocator: v.pipe(v.string(), v.regex(/^pkg:(deb\/debian|npm)\/[^@\s]+@[^\s]+$/)),
});

const spdxPackage = v.strictObject({
  name: line,
  SPDXID: id,
  versionInfo: line,
  packageFileName: v.optional(line),
  description: v.optional(v.string()),
  primaryPackagePurpose: v.optional(v.picklist(['INSTALL', 'LIBRARY', 'APPLICATION'])),
  downloadLocation: v.union([v.literal('NOASSERTION'), v.pipe(v.string(), v.url())]),
  filesAnalyzed: v.literal(false),
  homepage: v.optional(v.union([v.literal('NOASSERTION'), v.pipe(v.string(), v.url())])),
  licenseDeclared: v.pipe(v.string(), v.regex(/^(NOASSERTION|[A-Za-z0-9.() +-]+)$/)),
  externalRefs: v.optional(v.array(reference)),
  checksums: v.optional(v.array(checksum)),
});

const document = v.strictObject({
  spdxVersion: v.literal('SPDX-2.3'),
  dataLicense: v.literal('CC0-1.0'),
  SPDXID: v.literal('SPDXRef-DOCUMENT'),
  name: line,
  documentNamespace: v.pipe(v.string(), v.url(), v.regex(/^[^#]+$/)),
  creationInfo: v.strictObject({
    created: v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)),
    creators: v.pipe(v.array(v.pipe(v.string(), v.regex(/^(Person|Organization|Tool): /))), v.minLength(1)),
  }),
  documentDescribes: v.pipe(v.array(id), v.minLength(1)),
  packages: v.pipe(v.array(spdxPackage), v.minLength(1)),
  relationships: v.array(
    v.strictObject({
      spdxElementId: id,
      relatedSpdxElement: id,
      relationshipType: v.picklist([
        'DESCRIBES',
        'STATIC_LINK',
        'BUILD_TOOL_OF',
        'DEPENDENCY_OF',
        'OPTIONAL_DEPENDENCY_OF',
      ]),
    }),
  ),
});

export type Document = v.InferOutput<typeof document>;

/** @throws Error that says what is not as SPDX wants it */
export function readSpdx(text: string): Document {
  const read = v.parse(document, JSON.parse(text));
  const ids = read.packages.map(({ SPDXID }) => SPDXID);
  if (new Set(ids).size !== ids.length) throw new Error(`an id stands twice: ${ids.join(' ')}`);
  const known = new Set([read.SPDXID, ...ids]);
  for (const { spdxElementId, relatedSpdxElement } of read.relationships)
    for (const end of [spdxElementId, relatedSpdxElement])
      if (!known.has(end)) throw new Error(`a relationship names ${end}, which is not there`);
  // Every package stands in some relation to what is described.
  const related = new Set(
    read.relationships.flatMap((each) => [each.spdxElementId, each.relatedSpdxElement]),
  );
  for (const each of ids) if (!related.has(each)) throw new Error(`nothing says why ${each} is there`);
  return read;
}
