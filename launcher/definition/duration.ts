// Durations, as profiles write them.
import * as v from 'valibot';

const accepted = 'a duration such as "300ms", "60s" or "2m"';
const MILLISECONDS = { ms: 1, s: 1000, m: 60_000 } as const;

/** A number with its unit; its output is in milliseconds. */
export const duration = v.pipe(
  v.string(accepted),
  v.regex(/^\d+(?:\.\d+)?(?:ms|s|m)$/, accepted),
  v.transform((text) => {
    const unit = /[a-z]+$/.exec(text)?.[0] as keyof typeof MILLISECONDS;
    return parseFloat(text) * MILLISECONDS[unit];
  }),
);
