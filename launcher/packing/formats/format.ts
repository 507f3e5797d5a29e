// A file system that stores can be sealed as.

/** How it compresses. */
export interface Compression {
  /** As its tool has it: an algorithm, or an algorithm and its level. */
  readonly algorithm: string;
  /** Bytes that are compressed as one (squashfs), or that the compressed has (erofs). */
  readonly cluster: number;
}

export interface Request {
  readonly tree: string;
  readonly output: string;
  readonly compression: Compression;
  /** Paths in the tree, those first that are to stand first. */
  readonly first: readonly string[];
  /** Of all files and of the file system itself, in seconds: what is packed twice is the same. */
  readonly time: number;
  /** As mount(8) has it; the same for the same content. */
  readonly uuid: string;
}

export interface Format {
  /** As mount(8) names it; it is also the ending of the file. */
  readonly name: string;
  /** The best one measured for storage that gives at most so many megabytes in a second; the last is for all above. */
  readonly choices: readonly { readonly upTo: number; readonly compression: Compression }[];
  readonly make: (request: Request) => Promise<void>;
  /** Fills the new folder `tree` with what such a file holds. */
  readonly unpack: (path: string, tree: string) => Promise<unknown>;
}
