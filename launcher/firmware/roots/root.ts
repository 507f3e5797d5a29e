// A device's root file system, as a folder or as an image.
export interface Root {
  /** One line for people. */
  readonly what: string;
  /** Fails early, before minutes of work, where `add` could not succeed. @throws ThawError */
  expectWritable(output: string | undefined): void;
  /** The path of an image that a guest can mount; what has to be made for it is made in `work`. */
  image(work: string): Promise<string>;
  /** Adds the files below `additions`, in place of an earlier store. On failure the root is what it was. */
  add(additions: string, output: string | undefined): Promise<void>;
}
