// Commands in docs/ that cannot be followed in namespaces of this machine, each with the reason, and with what tries them.

export interface Elsewhere {
  readonly page: string;
  /** How the block begins. */
  readonly begins: string;
  readonly why: string;
  /** Tests that do the same, or as much of it as can be done without what is lacking. */
  readonly tries: readonly string[];
}

const GUEST = 'boots a guest of another CPU';
const PACKAGES = ['test/packages/install.slow.test.ts', 'test/packages/packages.test.ts'];

// prettier-ignore
export const ELSEWHERE: readonly Elsewhere[] = [
  { page: 'docs/tutorial.md', begins: '$ thaw build --target', why: GUEST, tries: ['test/system/firmware.slow.test.ts'] },
  { page: 'docs/firmware.md', begins: 'cross/setup.sh', why: GUEST, tries: ['test/system/firmware.slow.test.ts'] },
  { page: 'docs/firmware.md', begins: 'thaw build --target armv7', why: GUEST, tries: ['test/system/firmware.slow.test.ts'] },
  { page: 'docs/environment.md', begins: 'thaw build --like-unit', why: 'names no certain unit; the guide to systemd does', tries: ['test/launcher/environment.test.ts'] },
  { page: 'docs/testing.md', begins: 'npm run fuzz', why: 'takes hours', tries: ['test/engine/corruption.test.ts'] },
  { page: 'docs/testing.md', begins: 'cross/guest.sh run', why: GUEST, tries: ['test/system/systemd.slow.test.ts'] },
  { page: 'docs/how-to/yocto.md', begins: 'bitbake-layers', why: 'Debian has no BitBake', tries: ['test/packages/devices.test.ts'] },
  { page: 'docs/how-to/buildroot.md', begins: 'make BR2_EXTERNAL', why: 'Debian has no Buildroot', tries: ['test/packages/devices.test.ts'] },
  { page: 'docs/how-to/packages.md', begins: 'apt install', why: 'needs a fresh root', tries: PACKAGES },
  { page: 'docs/how-to/packages.md', begins: 'npm install', why: 'needs packages', tries: PACKAGES },
  { page: 'docs/how-to/packages.md', begins: 'npm run package', why: 'builds for all CPUs', tries: PACKAGES },
  { page: 'docs/how-to/chromium.md', begins: 'apt-get install', why: 'needs the network', tries: ['test/profiles/chromium.test.ts'] },
  { page: 'docs/how-to/daemon.md', begins: 'journalctl', why: 'needs systemd', tries: ['test/system/first_hour.slow.test.ts'] },
  { page: 'docs/how-to/daemon.md', begins: 'varlinkctl', why: 'Debian 12 has no varlinkctl', tries: ['test/launcher/daemon_interface.test.ts'] },
  { page: 'docs/how-to/ota.md', begins: 'thaw pack', why: 'needs keys of a vendor', tries: ['test/launcher/pack.test.ts', 'test/packages/bundles.test.ts'] },
];
