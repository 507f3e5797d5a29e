// The table of CPUs. Their names are those of native/arch/<cpu>/, cross/cpus/<cpu> and build/<cpu>/.

interface Row {
  /** What Node.js calls it. */
  readonly node: NodeJS.Architecture;
  /** e_machine (elf(5)). */
  readonly elfMachine: number;
  /** What registries call it (OCI Image Specification, "Platform"; the names are those of Go). */
  readonly platform: { readonly architecture: string; readonly variant?: string };
  /** For a CPU that other machines build for and emulate. */
  readonly guest?: Guest;
}

interface Guest {
  /**
   * How many times slower the clocks of a guest that builds images run than the host's. An image can be launched once
   * the device's clocks stand higher than the image's; where there are no time namespaces (32-bit ARM), nothing else
   * helps. An emulated CPU takes about ten times as long as a device's, so slow clocks also make time-outs mean the
   * same.
   */
  readonly slowClock: number;
  /** QEMU's user emulation. */
  readonly emulator: string;
}

const table = {
  x86_64: { node: 'x64', elfMachine: 62, platform: { architecture: 'amd64' } },
  aarch64: {
    node: 'arm64',
    elfMachine: 183,
    platform: { architecture: 'arm64' },
    guest: { slowClock: 1, emulator: 'qemu-aarch64-static' },
  },
  armv7: {
    node: 'arm',
    elfMachine: 40,
    platform: { architecture: 'arm', variant: 'v7' },
    guest: { slowClock: 16, emulator: 'qemu-arm-static' },
  },
} as const satisfies Record<string, Row>;

type Table = typeof table;
type Cpu = keyof Table;
/** A CPU that guests can have. */
export type GuestCpu = { [C in Cpu]: Table[C] extends { readonly guest: Guest } ? C : never }[Cpu];

export const isGuest = (cpu: Cpu): cpu is GuestCpu => 'guest' in table[cpu];

export const CPUS = Object.keys(table) as Cpu[];
export const GUEST_CPUS: readonly GuestCpu[] = CPUS.filter(isGuest);

/** This machine's; undefined: thaw does not run on it. */
export const hostCpu = CPUS.find((cpu) => table[cpu].node === process.arch);

export const elfMachine = (cpu: Cpu): number => table[cpu].elfMachine;
export const guestOf = (cpu: GuestCpu): Guest => table[cpu].guest;

/** undefined: of a CPU that this thaw does not know. */
export function platformOf(name: string): Row['platform'] | undefined {
  const cpu = CPUS.find((each) => each === name);
  return cpu === undefined ? undefined : table[cpu].platform;
}
