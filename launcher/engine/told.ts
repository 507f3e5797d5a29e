import type { GenericSchema, InferOutput } from 'valibot';

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;

/** The type of what a schema of the engine's answers describes. */
export type Told<Schema extends GenericSchema> = DeepReadonly<InferOutput<Schema>>;
