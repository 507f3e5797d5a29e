// Errors that are told to the user, as opposed to mistakes in thaw itself.

/** Something went wrong that the user can understand; `remedy` says what to do about it. */
export class ThawError extends Error {
  override readonly name: string = 'ThawError';
  readonly remedy: string | undefined;
  readonly code: string | undefined;

  constructor(
    message: string,
    options: { remedy?: string | undefined; code?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.remedy = options.remedy;
    this.code = options.code;
  }
}

/** Code of what one start of the app had by chance (a number that equals a pid) and the next one hardly has. */
export const BY_CHANCE = 'THAW_BY_CHANCE';

/** The command line is wrong: exit code 2. */
export class UsageError extends ThawError {
  override readonly name = 'UsageError';
}

/** The words of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
