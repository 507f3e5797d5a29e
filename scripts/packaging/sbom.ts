// Software bills of materials as SPDX 2.3 (JSON): what npm says of its packages, and what Debian's tools say of the rest.
// Facts: https://spdx.github.io/spdx-spec/v2.3/
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { projectFolder } from '../../launcher/engine/index.js';
import type { Release } from './release.js';
import type { DebianPackage } from './target.js';

export interface SpdxPackage {
  readonly name: string;
  readonly SPDXID: string;
  readonly versionInfo: string;
  readonly downloadLocation: string;
  readonly filesAnalyzed: false;
  readonly licenseDeclared: string;
  readonly packageFileName?: string;
  readonly primaryPackagePurpose?: string;
  readonly checksums?: readonly { readonly algorithm: string; readonly checksumValue: string }[];
  readonly externalRefs?: readonly {
    readonly referenceCategory: string;
    readonly referenceType: string;
    readonly referenceLocator: string;
  }[];
}

export interface Relationship {
  readonly spdxElementId: string;
  readonly relatedSpdxElement: string;
  readonly relationshipType: string;
}

export interface Spdx {
  readonly spdxVersion: 'SPDX-2.3';
  readonly dataLicense: 'CC0-1.0';
  readonly SPDXID: 'SPDXRef-DOCUMENT';
  readonly name: string;
  readonly documentNamespace: string;
  readonly creationInfo: { readonly created: string; readonly creators: readonly string[] };
  readonly documentDescribes: readonly string[];
  readonly packages: readonly SpdxPackage[];
  readonly relationships: readonly Relationship[];
}

/** A package as it was written, and what went into it. */
export interface Made {
  readonly name: string;
  readonly architecture: string;
  readonly fileName: string;
  readonly sha256: string;
  readonly linked: readonly DebianPackage[];
  readonly tools: readonly DebianPackage[];
  readonly npm: NpmPart;
}

/** Of `npm sbom`: the packages that thaw runs with, and how they depend on each other. */
export interface NpmPart {
  readonly packages: readonly SpdxPackage[];
  readonly relationships: readonly Relationship[];
}

export const NO_NPM: NpmPart = { packages: [], relationships: [] };

const NPM_ROOT = /^SPDXRef-Package-thaw-[\d.]+$/;
const SELF = 'SPDXRef-Package';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devDependencies?: unknown }>>;
}

/**
 * npm leaves out what is a development dependency as well (`--omit dev`), so it is shown a project that has none.
 * `names`: the npm packages that are packed; npm also lists what they could be used with.
 */
export function npmPart(names: ReadonlySet<string>): NpmPart {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-sbom-'));
  try {
    const manifest = json(join(projectFolder, 'package.json')) as Record<string, unknown>;
    const lock = json(join(projectFolder, 'package-lock.json')) as Lock;
    const packages = Object.entries(lock.packages)
      .filter(([, { dev }]) => dev !== true)
      .map(([path, value]) => [path, { ...value, devDependencies: undefined }]);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, devDependencies: undefined }));
    writeFileSync(
      join(folder, 'package-lock.json'),
      JSON.stringify({ ...lock, packages: Object.fromEntries(packages) as unknown }),
    );
    const said = execFileSync('npm', ['sbom', '--sbom-format', 'spdx', '--package-lock-only'], {
      cwd: folder,
      encoding: 'utf8',
    });
    return selected(JSON.parse(said) as Spdx, names);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const json = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

function selected({ packages, relationships }: Spdx, names: ReadonlySet<string>): NpmPart {
  const packed = packages.filter(({ name, SPDXID }) => names.has(name) && !NPM_ROOT.test(SPDXID));
  const known = new Set([SELF, ...packed.map(({ SPDXID }) => SPDXID)]);
  const own = (id: string): string => (NPM_ROOT.test(id) ? SELF : id);
  return {
    packages: packed,
    relationships: relationships
      .map((each) => ({
        ...each,
        spdxElementId: own(each.spdxElementId),
        relatedSpdxElement: own(each.relatedSpdxElement),
      }))
      .filter(
        ({ spdxElementId, relatedSpdxElement }) => known.has(spdxElementId) && known.has(relatedSpdxElement),
      ),
  };
}

const debianId = ({ name, version }: DebianPackage): string =>
  `SPDXRef-Debian-${name}-${version}`.replaceAll(/[^A-Za-z0-9.-]/g, '-');

function debianPackage(each: DebianPackage): SpdxPackage {
  const { name, version, architecture, source, sourceVersion } = each;
  const locator = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&upstream=${encodeURIComponent(`${source}@${sourceVersion}`)}`;
  return {
    name,
    SPDXID: debianId(each),
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseDeclared: 'NOASSERTION',
    externalRefs: [
      { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: locator },
    ],
  };
}

function self(made: Made, release: Release): SpdxPackage {
  return {
    name: made.name,
    SPDXID: SELF,
    versionInfo: release.debian,
    packageFileName: made.fileName,
    primaryPackagePurpose: 'INSTALL',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseDeclared: 'MIT',
    checksums: [{ algorithm: 'SHA256', checksumValue: made.sha256 }],
  };
}

export function sbom(made: Made, release: Release): Spdx {
  const relation = (from: string, relationshipType: string, to: string): Relationship => ({
    spdxElementId: from,
    relatedSpdxElement: to,
    relationshipType,
  });
  const debian = [...made.linked, ...made.tools];
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: made.fileName,
    // Unique, as it names the bytes.
    documentNamespace: `urn:thaw:spdx:${made.fileName}:${made.sha256}`,
    creationInfo: {
      created: new Date(release.epoch * 1000).toISOString().replace(/\.\d+Z$/, 'Z'),
      creators: [`Tool: thaw-package-${release.version}`],
    },
    documentDescribes: [SELF],
    packages: [
      self(made, release),
      ...[...new Map(debian.map((each) => [debianId(each), debianPackage(each)])).values()],
      ...made.npm.packages,
    ],
    relationships: [
      relation('SPDXRef-DOCUMENT', 'DESCRIBES', SELF),
      ...made.linked.map((each) => relation(SELF, 'STATIC_LINK', debianId(each))),
      ...made.tools.map((each) => relation(debianId(each), 'BUILD_TOOL_OF', SELF)),
      ...made.npm.relationships,
    ],
  };
}
