// A machine of this machine's own CPU, for what needs no kernel of its own: a fresh root of Debian in namespaces, whose first
// program is systemd. Its files outlive a boot.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { root as project } from '../../engine/support/paths.js';
import type { GuestOutcome } from './guest.js';

/** The host's command, once all that starts at boot has started; as cross/guest.service has it. */
const SERVICE = `[Unit]
After=multi-user.target
SuccessAction=poweroff
FailureAction=poweroff
[Service]
Type=oneshot
ExecStart=/bin/sh -c '/usr/local/sbin/host-command > /out/stdout 2> /out/stderr; echo $? > /out/status'
Environment=HOME=/root
TimeoutStartSec=infinity
`;

/** What is of no use without a screen, a network or devices. */
const MASKED = ['getty.target', 'systemd-timesyncd.service', 'systemd-logind.service', 'apt-daily.timer'];

/** From the host's namespaces into the root `$1`, with the folder `$2` on /in and the project `$3` on /share. */
const ENTER = `
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for device in null zero full random urandom tty; do : > dev/$device; mount --bind /dev/$device dev/$device; done
mount --bind "$2" in
mount --bind "$3" share
ip link set lo up
pivot_root . mnt
exec chroot . /bin/sh -c 'umount -l /mnt; exec env -i container=other /lib/systemd/systemd --unit=host.target' < /dev/null
`;

/** Why there is none here; undefined: there can be. */
export function lackingForContainer(): string | undefined {
  if (process.geteuid?.() !== 0) return 'only root may make namespaces of all kinds';
  return groups() === '' ? 'no cgroup2 is mounted' : undefined;
}

function groups(): string {
  return spawnSync('findmnt', ['-n', '-t', 'cgroup2', '-o', 'TARGET'], { encoding: 'utf8' }).stdout.trim();
}

export class Container {
  readonly #root: string;

  /** In the folder `work`; `files` are on /in. */
  constructor(
    work: string,
    private readonly files: string,
  ) {
    this.#root = join(work, 'root');
    mkdirSync(this.#root);
    must('sh', join(project, 'scripts/debian-root.sh'), 'systemd');
    must('tar', '-xf', join(project, 'build/debian-root-systemd.tar'), '-C', this.#root);
    for (const folder of ['in', 'out', 'share']) mkdirSync(join(this.#root, folder));
    const units = join(this.#root, 'etc/systemd/system');
    writeFileSync(join(units, 'host.service'), SERVICE);
    const target = '[Unit]\nRequires=multi-user.target host.service\nAfter=multi-user.target\n';
    writeFileSync(join(units, 'host.target'), target);
    for (const unit of MASKED) {
      rmSync(join(units, unit), { force: true });
      symlinkSync('/dev/null', join(units, unit));
    }
  }

  /** Boots it, runs the command there, and waits for its end. */
  async boot(command: readonly string[]): Promise<GuestOutcome> {
    const words = command.map((word) => `'${word}'`).join(' ');
    writeFileSync(join(this.#root, 'usr/local/sbin/host-command'), `#!/bin/sh\nexec ${words}\n`, {
      mode: 0o755,
    });
    const group = `${groups()}/thaw-container-${process.pid}`;
    const enter = 'mkdir -p "$0" && echo $$ > "$0/cgroup.procs" && exec "$@"';
    const alone = ['--mount', '--pid', '--fork', '--kill-child', '--uts', '--ipc', '--net', '--cgroup'];
    const inside = ['unshare', ...alone, 'sh', '-ec', ENTER, 'sh', this.#root, this.files, project];
    const child = spawn('sh', ['-c', enter, group, ...inside], { stdio: ['ignore', 'pipe', 'pipe'] });
    let console = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => (console += part));
    await once(child, 'close');
    const [stdout, stderr, status] = ['stdout', 'stderr', 'status'].map((name) => this.#take(name));
    return {
      status: status === '' ? 125 : Number(status),
      stdout: stdout ?? '',
      stderr: stderr ?? '',
      console,
    };
  }

  #take(name: string): string {
    const file = join(this.#root, 'out', name);
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    } finally {
      rmSync(file, { force: true });
    }
  }
}

function must(program: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}
