/** The ARM CPUs that thaw is built for and that guests can be, by the names of `build/<cpu>/`. */
export const ARM_CPUS = ['aarch64', 'armv7'] as const;
export type ArmCpu = (typeof ARM_CPUS)[number];
